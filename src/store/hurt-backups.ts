import { readdir } from 'node:fs/promises'
import { errnoOf } from '../errors/system-error.ts'
import type { BackupSummary } from './backup-summary.ts'
import { isLocal, type Repository } from './repository.ts'
import { findWhole } from './whole-backups.ts'

/**
 * The ids of the backups that lack something since a check moved bad blobs aside. Nothing is looked for where nothing was moved: then
 * it takes no time. What no check has found is not known, and in a registry nothing is moved.
 */
export async function findHurt(repository: Repository, backups: readonly BackupSummary[]): Promise<ReadonlySet<string>> {
  if (!isLocal(repository)) return new Set()
  const { blobs, paths } = repository
  const aside = await readdir(paths.quarantine).catch((thrown: unknown) => {
    if (errnoOf(thrown) === 'ENOENT') return []
    throw thrown
  })
  const isLost = (name: string): boolean => /^[0-9a-f]{64}$/.test(name) && blobs.statNow(`sha256:${name}`) === undefined
  const hurt = new Set<string>()
  if (!aside.some(isLost)) return hurt
  const isWhole = findWhole(blobs)
  for (const { id, descriptor } of backups) if (!(await isWhole(descriptor))) hurt.add(id)
  return hurt
}
