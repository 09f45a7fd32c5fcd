import { DrayError } from '../../errors/dray-error.ts'
import { digestOf } from '../../store/digest.ts'
import type { Digest } from '../../store/oci.ts'

/** Configs, manifests and indexes of one image are held in memory until the archive has ended. */
const mostDocumentBytes = 32 * 1024 * 1024

/** What may be a config, a manifest or an index in a saved image, by digest. */
export class SavedDocuments {
  readonly byDigest = new Map<Digest, Buffer>()
  #bytes = 0

  /** Throws `damaged` when the content is not what its name says, or when it is too much. */
  take(digest: Digest, bytes: Buffer): void {
    if (digestOf(bytes) !== digest) throw new DrayError('damaged', `"${digest}" of the saved image does not have the content that its name says`)
    if (!isDocument(bytes)) return
    this.#bytes += bytes.length
    if (this.#bytes > mostDocumentBytes) throw new DrayError('damaged', `the saved image has more than ${mostDocumentBytes} bytes of configs and manifests`)
    this.byDigest.set(digest, bytes)
  }
}

/** An image's config, a manifest or an index: other JSON of an image, such as attestations, is not needed. */
function isDocument(bytes: Buffer): boolean {
  if (!bytes.toString('latin1', 0, 64).trimStart().startsWith('{')) return false
  try {
    const value = JSON.parse(bytes.toString()) as object
    return 'rootfs' in value || 'layers' in value || 'manifests' in value
  } catch {
    return false
  }
}
