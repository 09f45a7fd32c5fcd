/**
 * Backups as one tar: an OCI image layout with index.json, as a repository is one, and beside it manifest.json, by which
 * docker load, podman load and skopeo find the images. Both name the same blobs; each is in the file once.
 */
import type { Readable } from 'node:stream'
import { writeImageArchive, type ImageArchiveMember } from '../archive/write-image-archive.ts'
import { DrayError } from '../errors/dray-error.ts'
import type { BackupSummary } from '../store/backup-summary.ts'
import type { BlobReader } from '../store/blob-reader.ts'
import { containerdNameKey, mediaTypes, type Descriptor } from '../store/oci.ts'
import { reachableFrom } from '../store/reachable.ts'
import { SizedDigests } from '../store/sized-digests.ts'
import { exportMembers } from './steps/export-members.ts'
import { findExportedImages, toDockerManifest, toIndexEntries, type ExportedImage } from './steps/exported-images.ts'

export type ExportPlan = {
  /** None when only images are exported. */
  readonly backups: readonly BackupSummary[]
  readonly images: readonly ExportedImage[]
  readonly blobs: SizedDigests
  readonly blobBytes: number
}

/** What the file will hold. Reads the documents of the backups. Throws `damaged` when one of them cannot be read, `usage` when there would be nothing. */
export async function planExport(blobs: BlobReader, chosen: readonly BackupSummary[], { imageOnly, signal }: { readonly imageOnly: boolean; readonly signal: AbortSignal }): Promise<ExportPlan> {
  const backups = imageOnly ? [] : chosen
  const images = await findExportedImages(blobs, chosen)
  if (imageOnly && images.length === 0) throw new DrayError('not-found', `there is no image in ${chosen.map(({ id }) => `"${id}"`).join(', ')}`, { hints: ['export it without --image-only'] })
  const roots: readonly Descriptor[] = imageOnly ? images.map(({ descriptor }) => descriptor) : chosen.map(({ descriptor }) => descriptor)
  const table = new SizedDigests()
  let blobBytes = 0
  for await (const { digest, size } of reachableFrom(blobs, roots)) {
    signal.throwIfAborted()
    table.add(digest, size)
    blobBytes += size
  }
  return { backups, images, blobs: table, blobBytes }
}

/** The tar. Fails with `damaged` at the first blob that is missing or not what its digest says. `onBlob` is told the bytes of each one before it is written. */
export function openExport(blobs: BlobReader, plan: ExportPlan, onBlob: (bytes: number) => void): Readable {
  return writeImageArchive(membersOf(blobs, plan, onBlob))
}

async function* membersOf(blobs: BlobReader, { backups, images, blobs: table }: ExportPlan, onBlob: (bytes: number) => void): AsyncGenerator<ImageArchiveMember> {
  yield document('oci-layout', { imageLayoutVersion: '1.0.0' })
  yield document('index.json', { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [...backups.map(toEntry), ...toIndexEntries(images)] })
  if (images.length > 0) yield document('manifest.json', toDockerManifest(images))
  try {
    for await (const member of exportMembers(blobs, table.entries())) {
      yield member
      if ('size' in member) onBlob(member.size)
    }
  } catch (thrown) {
    if (!(thrown instanceof DrayError) || thrown.code !== 'damaged') throw thrown
    const [backup] = backups
    throw new DrayError('damaged', thrown.message, { cause: thrown, hints: [`dray verify${backup === undefined || backups.length > 1 ? '' : ` ${backup.id}`} says what it costs`, ...thrown.hints] })
  }
}

function document(name: string, content: object): ImageArchiveMember {
  const body = Buffer.from(`${JSON.stringify(content)}\n`)
  return { name, size: body.length, body }
}

/**
 * As in a repository, with one annotation more: the containerd store makes an image of every entry, and one without a full name could
 * not be removed again (Docker 28.5: `docker image ls` does not even show it).
 */
function toEntry({ id, descriptor }: BackupSummary): Descriptor {
  return { ...descriptor, annotations: { ...descriptor.annotations, [containerdNameKey]: `docker.io/drayage/backup:${id}` } }
}
