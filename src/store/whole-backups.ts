import { DrayError } from '../errors/dray-error.ts'
import type { Blobs } from './blobs.ts'
import { DigestSet } from './digest-set.ts'
import { indexTypes, manifestTypes, readIndex, readManifest } from './documents.ts'
import type { Descriptor, Digest } from './oci.ts'

/**
 * Tells whether a backup's documents can be read and every blob below them is there in its full length. Unlike missingBlobs it
 * touches nothing, so no grace time begins anew. What was found is not looked at again.
 */
export function findWhole(blobs: Blobs): (backup: Descriptor) => Promise<boolean> {
  const present = new DigestSet()
  const known = new Map<Digest, boolean>()
  const isPresent = async ({ digest, size }: Descriptor): Promise<boolean> => {
    if (present.has(digest)) return true
    const isThere = blobs.statNow === undefined ? await blobs.refresh(digest, size) : blobs.statNow(digest)?.size === size
    if (isThere) present.add(digest)
    return isThere
  }
  const isWhole = async (descriptor: Descriptor): Promise<boolean> => {
    if (!(await isPresent(descriptor))) return false
    const isIndex = indexTypes.includes(descriptor.mediaType)
    if (!isIndex && !manifestTypes.includes(descriptor.mediaType)) return true
    const before = known.get(descriptor.digest)
    if (before !== undefined) return before
    const whole = await hasAll(isIndex ? readIndex(blobs, descriptor).then(({ manifests }) => manifests) : readManifest(blobs, descriptor).then(({ config, layers }) => [config, ...layers]), isWhole)
    known.set(descriptor.digest, whole)
    return whole
  }
  return isWhole
}

async function hasAll(reading: Promise<readonly Descriptor[]>, isWhole: (descriptor: Descriptor) => Promise<boolean>): Promise<boolean> {
  try {
    for (const descriptor of await reading) if (!(await isWhole(descriptor))) return false
    return true
  } catch (thrown) {
    if (thrown instanceof DrayError && thrown.code === 'damaged') return false
    throw thrown
  }
}
