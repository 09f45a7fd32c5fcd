import { DrayError } from '../errors/dray-error.ts'
import { assertHeld, type OwnerLock } from '../files/owner-lock.ts'
import { toSummary, type BackupSummary } from './backup-summary.ts'
import type { Repository } from './repository.ts'

/** Clocks of machines that work together differ by less. */
const clocksDifferByMs = 60 * 60 * 1000

/** Made while a clock was wrong: its own, or the one of this machine now. */
export function isDatedAhead({ created }: Pick<BackupSummary, 'created'>, nowMs = Date.now()): boolean {
  return Date.parse(created) > nowMs + clocksDifferByMs
}

/**
 * All backups, oldest first, from the list alone. One that is dated ahead is older than what was listed after it with a date
 * that can be right.
 */
export async function listBackups(repository: Pick<Repository, 'readIndex'>): Promise<BackupSummary[]> {
  const { manifests } = await repository.readIndex()
  return inOrder(manifests.map(toSummary).filter(summary => summary !== undefined))
}

/** By its id or a prefix that only one id has. Throws `not-found`, or `usage` when several begin so. */
export async function findBackup(repository: Pick<Repository, 'readIndex' | 'path'>, idOrPrefix: string): Promise<BackupSummary> {
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
 * Takes backups off the list; their data goes with the next prune. Throws `not-found` when one is not there, `conflict` when two have one id, and removes nothing then.
 */
export async function removeBackups(repository: Repository, ids: readonly string[], lock: OwnerLock<'exclusive'>): Promise<BackupSummary[]> {
  await assertHeld(lock, `the repository "${repository.path}"`)
  return await repository.unlist(ids)
}

/** `asListed` in the order of index.json, which is that in which they were added. */
function inOrder(asListed: readonly BackupSummary[]): BackupSummary[] {
  const nowMs = Date.now()
  let listedAfterMs = Infinity
  const placed = asListed.toReversed().map(summary => {
    const isAhead = isDatedAhead(summary, nowMs)
    const ms = Date.parse(summary.created)
    if (!isAhead && ms < listedAfterMs) listedAfterMs = ms
    return { summary, isAhead, ms: isAhead ? Math.min(ms, listedAfterMs) : ms }
  })
  return placed.sort((a, b) => a.ms - b.ms || Number(b.isAhead) - Number(a.isAhead) || (a.summary.id < b.summary.id ? -1 : 1)).map(({ summary }) => summary)
}
