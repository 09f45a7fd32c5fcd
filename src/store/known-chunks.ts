import { unlessDamaged } from '../errors/unless-damaged.ts'
import type { ChunkRef } from './chunk-ref.ts'
import { readIndex } from './documents.ts'
import { readMountPart } from './mount-manifest.ts'
import { mediaTypes, type Digest } from './oci.ts'
import type { Repository } from './repository.ts'

/** Every chunk that a listed backup refers to, at least once. What cannot be read is left out: this feeds a cache only. */
export async function* chunksOfAllMounts(repository: Repository): AsyncGenerator<ChunkRef> {
  const seen = new Set<Digest>()
  const { manifests } = await repository.readIndex()
  for (const backup of manifests.filter(({ artifactType }) => artifactType === mediaTypes.backup)) {
    const index = await unlessDamaged(readIndex(repository.blobs, backup))
    for (const child of index?.manifests ?? []) {
      if (child.artifactType !== mediaTypes.mount || seen.has(child.digest)) continue
      seen.add(child.digest)
      const part = await unlessDamaged(readMountPart(repository.blobs, child))
      if (part === undefined) continue
      yield* part.content.chunks
      yield* part.content.toc.chunks
    }
  }
}
