import { tellBytes } from '../archive/tell-bytes.ts'
import { DrayError } from '../errors/dray-error.ts'
import type { OwnerLock } from '../files/owner-lock.ts'
import { adoptBackups } from './adopt-backups.ts'
import type { BackupSummary } from './backup-summary.ts'
import { readManifest } from './documents.ts'
import { DigestSet } from './digest-set.ts'
import { inParallel } from './in-parallel.ts'
import type { Descriptor } from './oci.ts'
import { readTaggedBackup } from './registry-backups.ts'
import type { RegistryBlobs } from './registry-blobs.ts'
import type { Repository } from './repository.ts'

const downloadsAtOnce = 8

export type ReceiveJob = {
  readonly from: RegistryBlobs
  /** The backup's id, or any tag of it. */
  readonly tag: string
  readonly to: Repository
  /** Shared. */
  readonly lock: OwnerLock
  readonly onTotal: (bytes: number) => void
  readonly onBytes: (bytes: number) => void
}

export type ReceiveReport = { readonly backup: BackupSummary; readonly isNew: boolean; readonly blobs: number; readonly bytes: number; readonly receivedBlobs: number; readonly receivedBytes: number }

/** A backup comes from a registry: what is missing, every digest verified, and it is listed when all of it is here. Throws `not-found`, `damaged`. */
export async function receiveBackup({ from, tag, to, lock, onTotal, onBytes }: ReceiveJob): Promise<ReceiveReport> {
  const { path } = from.repository
  const found = await readTaggedBackup(from, tag)
  if (found === undefined) throw new DrayError('not-found', `there is no backup "${tag}" in "${path}"`, { hints: [`see what is there: dray list -r oci://${path}`] })
  const { summary, index } = found
  const { blobs } = to
  const missing: Descriptor[] = []
  const seen = new DigestSet()
  const look = async (blob: Descriptor): Promise<void> => {
    if (seen.add(blob.digest) && !(await blobs.refresh(blob.digest, blob.size))) missing.push(blob)
  }
  for (const child of index.manifests) {
    const { config, layers } = await readManifest(from, child)
    for (const blob of [config, ...layers]) await look(blob)
  }
  const received = missing.reduce((sum, { size }) => sum + size, 0)
  onTotal(received)
  await inParallel(missing, downloadsAtOnce, async ({ digest, size, mediaType }) => {
    await blobs.putStream(tellBytes(from.repository.readBlob(digest), onBytes), mediaType, { digest, size })
  })
  for (const document of index.manifests) await blobs.put(await from.read(document.digest, { isManifest: true }), document.mediaType)
  const { added } = await adoptBackups(to, [{ summary, index: await from.read(summary.descriptor.digest, { isManifest: true }) }], lock)
  return { backup: summary, isNew: added.length > 0, blobs: seen.size, bytes: summary.bytes, receivedBlobs: missing.length, receivedBytes: received }
}
