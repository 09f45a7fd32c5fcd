/**
 * A backup's index is stored a moment before it is on the list. `drayage/listing.json`, written before and removed after, names what
 * is under way: what it names, is whole and not on the list, was left by a run that was killed between the two, and is put on it by
 * the next change.
 */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'
import { missingBlobs } from './backup-graph.ts'
import { readDigests } from './digest.ts'
import { findForgotten } from './forgotten.ts'
import { changeIndexFile } from './index-file.ts'
import type { Descriptor, Digest, Index } from './oci.ts'
import type { LocalRepository } from './repository.ts'
import { findBackupIndexes, idOf } from './stored-backups.ts'

/** Under the lock of index.json. After a power cut it may be lost: then the backup is one that prune names. */
export async function announceListing({ paths }: LocalRepository, digests: readonly Digest[]): Promise<void> {
  await writeFile(paths.listing, JSON.stringify(digests) + '\n', { mode: 0o600 }).catch((thrown: unknown) => {
    throw fromSystemError(thrown, 'cannot write', paths.listing)
  })
}

/** Under the lock of index.json. */
export async function endListing({ paths }: LocalRepository): Promise<void> {
  await rm(paths.listing, { force: true })
}

/** What a killed run has stored whole, and not put on the list. */
export async function findInterrupted(repository: LocalRepository, index: Index): Promise<Descriptor[]> {
  const announced = new Set(await readAnnounced(repository))
  for (const { digest } of index.manifests) announced.delete(digest)
  for (const digest of announced.size === 0 ? [] : await findForgotten(repository, index)) announced.delete(digest)
  if (announced.size === 0) return []
  const whole: Descriptor[] = []
  for (const backup of await findBackupIndexes(repository, digest => announced.has(digest))) {
    const isOther = index.manifests.some(other => idOf(other) === idOf(backup))
    if (!isOther && (await missingBlobs(repository.blobs, [backup]).catch(() => undefined))?.length === 0) whole.push(backup)
  }
  return whole.reverse()
}

/** Puts them on the list. Under the exclusive lock. */
export async function finishListing(repository: LocalRepository): Promise<void> {
  if ((await readAnnounced(repository)).length === 0) return
  await changeIndexFile(repository, async index => ({ ...index, manifests: [...index.manifests, ...(await findInterrupted(repository, index))] }), () => endListing(repository))
}

async function readAnnounced({ paths }: LocalRepository): Promise<Digest[]> {
  return readDigests(await readFile(paths.listing, 'utf8').catch((thrown: unknown) => {
    if (errnoOf(thrown) === 'ENOENT') return '[]'
    throw fromSystemError(thrown, 'cannot read', paths.listing)
  }))
}
