import type { ListedEntry } from '../../mounts/mount-access.ts'

/** What is known of an entry from the last time it was read: of the table of contents, where `h` is a further name of a file, or of a listing. */
export type KnownEntry = Pick<ListedEntry, 'size' | 'mode' | 'uid' | 'gid' | 'mtime'> & { readonly type: string; readonly ctime?: string; readonly inode?: string }

const marginNs = 50_000_000n
/** File systems without fractions of a second stamp whole seconds (FAT: two of them). */
const coarseMarginNs = 2_000_000_000n

/**
 * Whether an entry is known to hold what it held when `entry` was read: the same in all that can be listed, and settled. After
 * the moment at which dirty pages were written back a write into a mapped page that is dirty already does not move the times,
 * so they prove nothing.
 */
export function isUnchanged(listed: ListedEntry, entry: KnownEntry, isSettled: SettledTest): boolean {
  return isSame(listed, entry) && isSettled(listed)
}

/** Same kind, size, owner, mode, mtime, ctime and inode. */
export function isSame(listed: ListedEntry, entry: KnownEntry): boolean {
  return (
    entry.ctime === listed.ctime &&
    entry.mtime === listed.mtime &&
    entry.inode === listed.inode &&
    entry.size === listed.size &&
    entry.mode === listed.mode &&
    entry.uid === listed.uid &&
    entry.gid === listed.gid &&
    (entry.type === 'h' ? listed.type !== 'd' : entry.type === listed.type)
  )
}

/** Whether both times are before dirty pages were written back. */
export type SettledTest = (times: { readonly mtime: string; readonly ctime: string }) => boolean

/** The margin covers the kernel's coarse clock, which stamps a few milliseconds late. */
export function settledBefore(syncedAt: string): SettledTest {
  const [fine, coarse] = [marginNs, coarseMarginNs].map(margin => toTime(toNanoseconds(syncedAt) - margin)) as [string, string]
  return ({ mtime, ctime }) => {
    const limit = mtime.endsWith('.000000000') && ctime.endsWith('.000000000') ? coarse : fine
    return isBefore(mtime, limit) && isBefore(ctime, limit)
  }
}

/** "seconds.nanoseconds" (nine digits): as many digits before the point, and no sign, and the text's order is the times'. */
function isBefore(time: string, limit: string): boolean {
  const isPlain = time.length === limit.length && !time.startsWith('-') && !limit.startsWith('-')
  return isPlain ? time < limit : toNanoseconds(time) < toNanoseconds(limit)
}

function toNanoseconds(time: string): bigint {
  const point = time.indexOf('.')
  const seconds = BigInt(time.slice(0, point)) * 1_000_000_000n
  const fraction = BigInt(time.slice(point + 1))
  return time.startsWith('-') ? seconds - fraction : seconds + fraction
}

function toTime(nanoseconds: bigint): string {
  const sign = nanoseconds < 0n ? '-' : ''
  const positive = nanoseconds < 0n ? -nanoseconds : nanoseconds
  return `${sign}${positive / 1_000_000_000n}.${String(positive % 1_000_000_000n).padStart(9, '0')}`
}
