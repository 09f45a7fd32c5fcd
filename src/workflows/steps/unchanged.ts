import type { ListedEntry } from '../../mounts/mount-access.ts'

/** What is known of an entry from the last time it was read: of the table of contents, where `h` is a further name of a file, or of a listing. */
export type KnownEntry = Pick<ListedEntry, 'size' | 'mode' | 'uid' | 'gid' | 'mtime'> & { readonly type: string; readonly ctime?: string; readonly inode?: string }

const marginNs = 50_000_000n
/** File systems without fractions of a second stamp whole seconds (FAT: two of them). */
const coarseMarginNs = 2_000_000_000n

/**
 * Whether an entry is known to hold what it held when `entry` was read: same kind, size, owner, mode, mtime, ctime and inode,
 * and last modified before dirty pages were written back. After that moment a write into a mapped page that is dirty already
 * does not move the times, so they prove nothing. The margin covers the kernel's coarse clock, which stamps a few
 * milliseconds late.
 */
export function isUnchanged(listed: ListedEntry, entry: KnownEntry, syncedAt: string): boolean {
  return (
    entry.ctime === listed.ctime &&
    entry.mtime === listed.mtime &&
    entry.inode === listed.inode &&
    entry.size === listed.size &&
    entry.mode === listed.mode &&
    entry.uid === listed.uid &&
    entry.gid === listed.gid &&
    (entry.type === 'h' ? listed.type !== 'd' : entry.type === listed.type) &&
    isSettled(listed, syncedAt)
  )
}

export function isSettled({ mtime, ctime }: { readonly mtime: string; readonly ctime: string }, syncedAt: string): boolean {
  const newest = mtime.length === ctime.length ? (mtime > ctime ? mtime : ctime) : undefined
  const latest = newest === undefined ? max(toNanoseconds(mtime), toNanoseconds(ctime)) : toNanoseconds(newest)
  const coarse = mtime.endsWith('.000000000') && ctime.endsWith('.000000000')
  return latest < toNanoseconds(syncedAt) - (coarse ? coarseMarginNs : marginNs)
}

/** "seconds.nanoseconds" (nine digits) as a number of nanoseconds. */
function toNanoseconds(time: string): bigint {
  const point = time.indexOf('.')
  const seconds = BigInt(time.slice(0, point)) * 1_000_000_000n
  const fraction = BigInt(time.slice(point + 1))
  return time.startsWith('-') ? seconds - fraction : seconds + fraction
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
