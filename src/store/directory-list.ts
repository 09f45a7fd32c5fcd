/** The list of a repository in a directory: index.json. */
import { DrayError } from '../errors/dray-error.ts'
import { annotationNames, toSummary, type BackupSummary } from './backup-summary.ts'
import { announceForgetting, findForgotten, finishForgetting, withoutForgotten } from './forgotten.ts'
import { changeIndexFile, readIndexFile } from './index-file.ts'
import { announceListing, endListing, findInterrupted } from './listing.ts'
import { mediaTypes, type Descriptor, type Digest } from './oci.ts'
import type { ListedIndex, LocalRepository } from './repository.ts'

/** See Repository.list: all at once. Indexes are written a moment before they are listed, and go when they could not be: one that is stored and not on the list is kept by prune. */
export async function listInDirectory(repository: LocalRepository, backups: readonly ListedIndex[]): Promise<boolean> {
  const { blobs } = repository
  const written: Digest[] = []
  let isNew = false
  try {
    await changeIndexFile(repository, async listed => {
      const fresh = backups.filter(({ descriptor }) => !isListed(listed.manifests, descriptor, repository.path))
      const interrupted = await findInterrupted(repository, listed)
      await announceListing(repository, [...interrupted, ...fresh.map(({ descriptor }) => descriptor)].map(({ digest }) => digest))
      for (const { descriptor: { digest }, index } of fresh) {
        if (!(await blobs.has(digest))) written.push(digest)
        await blobs.put(index, mediaTypes.index)
      }
      await blobs.flush()
      isNew = fresh.length > 0
      const index = { ...listed, manifests: [...listed.manifests, ...interrupted, ...fresh.map(({ descriptor }) => descriptor)] }
      return withoutForgotten(index, await findForgotten(repository, index))
    }, () => endListing(repository))
  } catch (thrown) {
    const now = await readIndexFile(repository).catch(() => undefined)
    for (const digest of now === undefined ? [] : written) if (now?.manifests.every(other => other.digest !== digest) === true) await blobs.remove(digest)
    throw thrown
  }
  return isNew
}

/** Throws `conflict` when another one has its id. */
function isListed(manifests: readonly Descriptor[], { annotations, digest }: Descriptor, path: string): boolean {
  const id = annotations?.[annotationNames.id]
  const same = manifests.find(other => other.annotations?.[annotationNames.id] === id)
  if (same !== undefined && same.digest !== digest) throw new DrayError('conflict', `there is another backup "${id ?? ''}" in "${path}"`, { hints: ['name another repository with --repo'] })
  return same !== undefined
}

/** See Repository.unlist. Their own index blobs go at once, so that a repair does not list them again. */
export async function unlistInDirectory(repository: LocalRepository, ids: readonly string[]): Promise<BackupSummary[]> {
  await finishForgetting(repository, await readIndexFile(repository))
  const wanted = new Set(ids)
  let removed: BackupSummary[] = []
  await changeIndexFile(repository, async index => {
    removed = index.manifests.map(toSummary).filter(summary => summary !== undefined).filter(({ id }) => wanted.has(id))
    const unknown = ids.find(id => !removed.some(summary => summary.id === id))
    if (unknown !== undefined) throw new DrayError('not-found', `there is no backup "${unknown}" in "${repository.path}"`, { hints: ['dray list shows the backups'] })
    const doubled = removed.find(({ id, descriptor }) => removed.some(other => other.id === id && other.descriptor.digest !== descriptor.digest))
    if (doubled !== undefined) throw new DrayError('conflict', `two backups in "${repository.path}" have the id "${doubled.id}": nothing was forgotten`, { hints: ['dray doctor --repair gives one of them another id'] })
    const digests = removed.map(({ descriptor }) => descriptor.digest)
    await announceForgetting(repository, digests)
    return withoutForgotten(index, new Set(digests))
  })
  await finishForgetting(repository, await readIndexFile(repository))
  return removed
}
