import { DrayError } from '../errors/dray-error.ts'
import type { OwnerLock } from '../files/owner-lock.ts'
import { toSummary, type BackupSummary } from './backup-summary.ts'
import { changeIndexFile, readIndexFile } from './index-file.ts'
import type { Repository } from './repository.ts'

/** All backups, oldest first, from index.json alone. */
export async function listBackups(repository: Pick<Repository, 'paths'>): Promise<BackupSummary[]> {
  const { manifests } = await readIndexFile(repository)
  return manifests.map(toSummary).filter(summary => summary !== undefined).sort(byTime)
}

/** By its id or a prefix that only one id has. Throws `not-found`, or `usage` when several begin so. */
export async function findBackup(repository: Pick<Repository, 'paths' | 'path'>, idOrPrefix: string): Promise<BackupSummary> {
  const backups = await listBackups(repository)
  const exact = backups.find(({ id }) => id === idOrPrefix)
  if (exact) return exact
  const [first, ...others] = idOrPrefix === '' ? [] : backups.filter(({ id }) => id.startsWith(idOrPrefix))
  if (first === undefined) throw new DrayError('not-found', `there is no backup "${idOrPrefix}" in "${repository.path}"`, { hints: ['dray list shows the backups'] })
  if (others.length === 0) return first
  const named = [first, ...others].slice(0, 5).map(({ id }) => `"${id}"`).join(', ')
  throw new DrayError('usage', `${others.length + 1} backups begin with "${idOrPrefix}": ${named}${others.length > 4 ? ', …' : ''}`, { hints: ['give more of the id'] })
}

/**
 * Takes backups off the list; their data goes with the next prune. Their own index blobs go at once, so that a repair does
 * not list them again. Throws `not-found`, and removes nothing, when one is not there.
 */
export async function removeBackups(repository: Repository, ids: readonly string[], lock: OwnerLock<'exclusive'>): Promise<BackupSummary[]> {
  if (!(await lock.isHeld())) throw new DrayError('locked', `the lock of the repository "${repository.path}" was taken away`, { hints: ['run the same command again'] })
  const wanted = new Set(ids)
  let removed: BackupSummary[] = []
  await changeIndexFile(repository, manifests => {
    removed = manifests.map(toSummary).filter(summary => summary !== undefined).filter(({ id }) => wanted.has(id))
    const unknown = ids.find(id => !removed.some(summary => summary.id === id))
    if (unknown !== undefined) throw new DrayError('not-found', `there is no backup "${unknown}" in "${repository.path}"`, { hints: ['dray list shows the backups'] })
    const gone = new Set(removed.map(({ descriptor }) => descriptor))
    return manifests.filter(descriptor => !gone.has(descriptor))
  })
  const { manifests } = await readIndexFile(repository)
  for (const { descriptor } of removed) {
    if (!manifests.some(({ digest }) => digest === descriptor.digest)) await repository.blobs.remove(descriptor.digest)
  }
  return removed
}

function byTime(a: BackupSummary, b: BackupSummary): number {
  return Date.parse(a.created) - Date.parse(b.created) || (a.id < b.id ? -1 : 1)
}
