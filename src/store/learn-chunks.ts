import type { BackupSummary } from './backup-summary.ts'
import { ChunkCache } from './chunk-cache.ts'
import { encodeChunkRecord } from './chunk-record.ts'
import { readIndex } from './documents.ts'
import { readMountPart } from './mount-manifest.ts'
import { mediaTypes } from './oci.ts'
import type { Repository } from './repository.ts'

/** Of a backup from another place: the next one made here recognises its chunks. */
export async function learnChunks({ blobs, cacheFolder, config }: Repository, descriptor: BackupSummary['descriptor']): Promise<void> {
  const cache = new ChunkCache(cacheFolder, config.id)
  if ((await cache.load()) === undefined) return
  for (const child of (await readIndex(blobs, descriptor)).manifests) {
    if (child.artifactType !== mediaTypes.mount) continue
    const { content } = await readMountPart(blobs, child)
    await cache.append([...content.chunks, ...content.toc.chunks].map(encodeChunkRecord))
  }
}
