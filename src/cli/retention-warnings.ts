import { exitCodes } from '../errors/exit-codes.ts'
import type { GarbageCounts } from '../store/garbage.ts'
import { damagedIn } from '../ui/describe-retention.ts'
import { formatCount } from '../ui/format.ts'
import type { JudgedBackup } from '../workflows/forget.ts'
import type { CommandContext } from './command.ts'

/** Damaged ones stay, and are told: they need somebody's care. Returns the exit code. */
export function warnOfDamaged(judged: readonly JudgedBackup[], { reporter }: CommandContext): number {
  const damaged = damagedIn(judged)
  for (const id of damaged) reporter.warn(`backup "${id}" is damaged: it stays, and counts for no rule (dray verify ${id} names what is missing; to give it up: dray forget ${id})`)
  return damaged.length === 0 ? 0 : exitCodes.incomplete
}

/** Says that backups are damaged, where they are, or not on the list, and returns the exit code. */
export function warnOfPruned({ missingBlobs, unlisted }: GarbageCounts, { reporter }: CommandContext): number {
  if (unlisted.length > 0) reporter.warn(`the list is an older one: ${formatCount(unlisted.length, 'backup')} ${unlisted.length === 1 ? 'is' : 'are'} stored and not on it, and nothing of ${unlisted.length === 1 ? 'it' : 'them'} was removed: ${nameSome(unlisted)} (back on the list: dray doctor --repair)`)
  if (missingBlobs === 0) return unlisted.length === 0 ? 0 : exitCodes.incomplete
  reporter.warn(`${formatCount(missingBlobs, 'blob')} that backups need ${missingBlobs === 1 ? 'is' : 'are'} missing: dray verify names the damaged backups`)
  return exitCodes.incomplete
}

function nameSome(ids: readonly string[]): string {
  return `${ids.slice(0, 5).map(id => `"${id}"`).join(', ')}${ids.length > 5 ? `, and ${ids.length - 5} more` : ''}`
}
