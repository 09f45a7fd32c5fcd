/**
 * A backup goes to a registry: blobs first, then the manifests that name them, each under a tag of its own, and the backup's index
 * last. What is there already is not sent. Whatever ends it before, nothing is listed, and the next run goes on from there.
 */
import { DrayError } from '../errors/dray-error.ts'
import { pieceBytes } from '../registry/blob-upload.ts'
import type { RegistryRepository } from '../registry/registry-repository.ts'
import { sendBlob } from '../registry/send-blob.ts'
import { childTag } from './backup-tags.ts'
import type { BackupSummary } from './backup-summary.ts'
import type { BlobReader } from './blob-reader.ts'
import { mostManifestBytes, parseIndex, parseManifest } from './documents.ts'
import { DigestSet } from './digest-set.ts'
import { inParallel } from './in-parallel.ts'
import type { Descriptor } from './oci.ts'

/** Each holds a piece in memory: some 50 MiB in all. */
const uploadsAtOnce = 6
const questionsAtOnce = 16

export type SendJob = {
  readonly from: BlobReader
  readonly to: RegistryRepository
  readonly backup: BackupSummary
  /** A further tag for the backup. */
  readonly tag?: string | undefined
  /** Other names of the registry that may have blobs of it. */
  readonly mountFrom: readonly string[]
  /** When it is known what is to be sent. */
  readonly onTotal: (bytes: number) => void
  readonly onBytes: (bytes: number) => void
}

export type SendReport = { readonly blobs: number; readonly bytes: number; readonly presentBlobs: number; readonly mountedBlobs: number; readonly sentBlobs: number; readonly sentBytes: number; readonly manifests: number }

type Document = { readonly descriptor: Descriptor; readonly bytes: Buffer; readonly blobs: readonly Descriptor[] }

/** Throws `conflict` when the registry has another backup of that id, and `damaged` when the backup is not whole here. */
export async function sendBackup(job: SendJob): Promise<SendReport> {
  const { from, to, backup, tag } = job
  const { digest } = backup.descriptor
  const there = await to.headManifest(backup.id)
  if (there?.digest !== undefined && there.digest !== digest) throw new DrayError('conflict', `"${to.path}" has another backup "${backup.id}"`, { hints: ['push to another name'] })
  const indexBytes = await from.read(digest, { maxBytes: mostManifestBytes, isManifest: true })
  const index = parseIndex(indexBytes, `backup "${backup.id}"`)
  const documents: Document[] = []
  for (const descriptor of index.manifests) {
    const bytes = await from.read(descriptor.digest, { maxBytes: mostManifestBytes, isManifest: true })
    const { config, layers } = parseManifest(bytes, `manifest "${descriptor.digest}"`)
    documents.push({ descriptor, bytes, blobs: [config, ...layers] })
  }
  const counts = { blobs: 0, bytes: 0, presentBlobs: 0, mountedBlobs: 0, sentBlobs: 0, sentBytes: 0, manifests: documents.length + 1 }
  await sendBlobs(job, documents, counts)
  await inParallel(documents.entries(), uploadsAtOnce, async ([at, document]) => putManifest(job, childTag(backup.id, at), document, counts))
  for (const each of [backup.id, ...(tag === undefined || tag === backup.id ? [] : [tag])]) await to.putManifest(each, indexBytes, index.mediaType)
  const listed = await to.headManifest(backup.id)
  if (listed === undefined || (listed.digest !== undefined && listed.digest !== digest)) throw new DrayError('refused', `"${to.path}" does not have backup "${backup.id}" although it took it`)
  return counts
}

type Counts = { -readonly [Name in keyof SendReport]: SendReport[Name] }

/** The registry may have lost a blob since it was asked, by its garbage collection: then all of the manifest's are looked for again. */
async function putManifest(job: SendJob, tag: string, document: Document, counts: Counts): Promise<void> {
  const { bytes, descriptor } = document
  try {
    await job.to.putManifest(tag, bytes, descriptor.mediaType)
  } catch (thrown) {
    if (!(thrown instanceof DrayError) || !['MANIFEST_BLOB_UNKNOWN', 'BLOB_UNKNOWN'].includes(thrown.reason ?? '')) throw thrown
    await sendBlobs(job, [document], counts)
    await job.to.putManifest(tag, bytes, descriptor.mediaType)
  }
}

async function sendBlobs(job: SendJob, documents: readonly Document[], counts: Counts): Promise<void> {
  const { to, onTotal } = job
  const missing: Descriptor[] = []
  await inParallel(distinct(documents), questionsAtOnce, async blob => {
    counts.blobs++
    counts.bytes += blob.size
    if ((await to.headBlob(blob.digest)) === undefined) missing.push(blob)
    else counts.presentBlobs++
  })
  onTotal(missing.reduce((sum, { size }) => sum + size, 0))
  await inParallel(missing, uploadsAtOnce, blob => sendOne(job, blob, counts))
}

async function sendOne({ from, to, mountFrom, onBytes }: SendJob, { digest, size }: Descriptor, counts: Counts): Promise<void> {
  const how = await sendBlob(to, { digest, size, open: () => (size <= pieceBytes ? readAtOnce(from, digest) : from.openRead(digest, { size })) }, { mountFrom, onBytes })
  if (how === 'mounted') {
    counts.mountedBlobs++
    onBytes(size)
    return
  }
  counts.sentBlobs++
  counts.sentBytes += size
}

async function* readAtOnce(from: BlobReader, digest: Descriptor['digest']): AsyncGenerator<Buffer> {
  yield await from.read(digest, { maxBytes: pieceBytes })
}

function* distinct(documents: readonly Document[]): Generator<Descriptor> {
  const seen = new DigestSet()
  for (const { blobs } of documents) for (const blob of blobs) if (seen.add(blob.digest)) yield blob
}
