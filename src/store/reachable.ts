import type { BlobReader } from './blob-reader.ts'
import { DigestSet } from './digest-set.ts'
import { indexTypes, manifestTypes, readIndex, readManifest } from './documents.ts'
import type { Descriptor } from './oci.ts'

/**
 * The descriptors of everything that `roots` refer to, themselves included, each blob once. Documents are read (and so
 * verified) on the way; a missing or broken one is thrown as `damaged`, blobs without references are not looked at.
 */
export async function* reachableFrom(blobs: BlobReader, roots: Iterable<Descriptor>, seen: DigestSet = new DigestSet()): AsyncGenerator<Descriptor> {
  for (const descriptor of roots) {
    if (!seen.add(descriptor.digest)) continue
    yield descriptor
    if (indexTypes.includes(descriptor.mediaType)) {
      yield* reachableFrom(blobs, (await readIndex(blobs, descriptor)).manifests, seen)
    } else if (manifestTypes.includes(descriptor.mediaType)) {
      const { config, layers } = await readManifest(blobs, descriptor)
      for (const blob of [config, ...layers]) if (seen.add(blob.digest)) yield blob
    }
  }
}
