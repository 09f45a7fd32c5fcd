/** The list of a repository in a directory: index.json. */
import { DrayError } from '../errors/dray-error.ts'
import { annotationNames, toSummary, type BackupSummary } from './backup-summary.ts'
import { finishForgetting, withoutForgotten } from './forgotten.ts'
import { changeIndexFile, readIndexFile } from './index-file.ts'
import { mediaTypes, type Descriptor } from './oci.ts'
import type { LocalRepository } from './repository.ts'

/** See Repository.list. The index is written a moment before it is listed, and goes when it could not be: one that is stored and not on the list is kept by prune. */
export async function listInDirectory(repository: LocalRepository, descriptor: Descriptor, index: Buffer): Promise<boolean> {
  const { blobs } = repository
  const id = descriptor.annotations?.[annotationNames.id]
  let isNew = true
  try {
    await changeIndexFile(repository, async listed => {
      const same = listed.manifests.find(other => other.annotations?.[annotationNames.id] === id)
      if (same !== undefined && same.digest !== descriptor.digest) throw new DrayError('conflict', `there is another backup "${id ?? ''}" in "${repository.path}"`, { hints: ['name another repository with --repo'] })
      isNew = same === undefined
      if (!isNew) return listed
      await blobs.put(index, mediaTypes.index)
      await blobs.flush()
      return { ...listed, manifests: [...listed.manifests, descriptor] }
    })
  } catch (thrown) {
    const now = await readIndexFile(repository).catch(() => undefined)
    if (now?.manifests.some(({ digest }) => digest === descriptor.digest) === false) await blobs.remove(descriptor.digest)
    throw thrown
  }
  return isNew
}

/** See Repository.unlist. Their own index blobs go at once, so that a repair does not list them again. */
export async function unlistInDirectory(repository: LocalRepository, ids: readonly string[]): Promise<BackupSummary[]> {
  await finishForgetting(repository, await readIndexFile(repository))
  const wanted = new Set(ids)
  let removed: BackupSummary[] = []
  await changeIndexFile(repository, index => {
    removed = index.manifests.map(toSummary).filter(summary => summary !== undefined).filter(({ id }) => wanted.has(id))
    const unknown = ids.find(id => !removed.some(summary => summary.id === id))
    if (unknown !== undefined) throw new DrayError('not-found', `there is no backup "${unknown}" in "${repository.path}"`, { hints: ['dray list shows the backups'] })
    const doubled = removed.find(({ id, descriptor }) => removed.some(other => other.id === id && other.descriptor.digest !== descriptor.digest))
    if (doubled !== undefined) throw new DrayError('conflict', `two backups in "${repository.path}" have the id "${doubled.id}": nothing was forgotten`, { hints: ['dray doctor --repair gives one of them another id'] })
    return withoutForgotten(index, new Set(removed.map(({ descriptor }) => descriptor.digest)))
  })
  await finishForgetting(repository, await readIndexFile(repository))
  return removed
}
