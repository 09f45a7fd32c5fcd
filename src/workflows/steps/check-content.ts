import { posix } from 'node:path'
import type { ListedEntry, MountReader } from '../../mounts/mount-access.ts'
import type { ChunkSource } from '../../store/content-reader.ts'
import type { MountContent } from '../../store/mount-manifest.ts'
import type { TocEntry } from '../../store/toc-entry.ts'
import { walkToc } from '../../store/toc.ts'
import type { DescribedMount } from '../mount-description.ts'
import type { KnownEntry } from './unchanged.ts'

/** One entry that is not as it is stored. */
export type ContentDifference = { readonly path: string; readonly what: string }

const mostDifferences = 20

/** All of them, as they are stored. */
export function readEntries(source: ChunkSource, { toc }: MountContent): AsyncGenerator<TocEntry> {
  return walkToc(source, toc)
}

/**
 * Compares what lies in a mount with the stored table of contents: names, kinds, sizes, modes, owners and times of every
 * entry. At most twenty differences are collected; none means equal. Both sides are streamed. A table that is not sorted (the
 * api reader's) is compared by names only.
 */
export async function checkContent(mount: Pick<MountReader, 'list'>, stored: AsyncGenerator<TocEntry>, { toc }: { readonly toc: Pick<MountContent['toc'], 'sorted'> }, signal: AbortSignal): Promise<ContentDifference[]> {
  if (!toc.sorted) return await checkNames(mount, stored, signal)
  const differences: ContentDifference[] = []
  for await (const { path, what } of compare(mount, stored, signal)) {
    if (differences.length < mostDifferences) differences.push({ path: path.toString(), what })
  }
  return differences
}

/** The first entry that the table of contents does not have; undefined also where it is not sorted. */
export async function findForeign(mount: Pick<MountReader, 'list'>, stored: AsyncGenerator<TocEntry>, { toc }: MountContent, signal: AbortSignal): Promise<string | undefined> {
  if (!toc.sorted) return undefined
  for await (const { path, what } of compare(mount, stored, signal)) if (what === notInBackup) return path.toString()
  return undefined
}

const notInBackup = 'is not in the backup'

async function* compare(mount: Pick<MountReader, 'list'>, stored: AsyncGenerator<TocEntry>, signal: AbortSignal): AsyncGenerator<{ readonly path: Buffer; readonly what: string }> {
  let next = await stored.next()
  for await (const batch of mount.list(signal)) {
    for (const entry of batch) {
      if (entry.type === 's' || isLostAndFound(entry)) continue
      while (next.done !== true && Buffer.compare(next.value.path, entry.path) < 0) {
        yield { path: next.value.path, what: 'is missing' }
        next = await stored.next()
      }
      if (next.done === true || !next.value.path.equals(entry.path)) {
        yield { path: entry.path, what: notInBackup }
        continue
      }
      const what = differenceOf(next.value, entry)
      if (what !== undefined) yield { path: entry.path, what }
      next = await stored.next()
    }
  }
  for (; next.done !== true; next = await stored.next()) yield { path: next.value.path, what: 'is missing' }
}

/** A single file's one entry has its name: restored under another one it is compared under the one it had. */
export function asRecorded(mount: Pick<MountReader, 'list'>, { kind, source }: Pick<DescribedMount, 'kind' | 'source'>): Pick<MountReader, 'list'> {
  if (kind !== 'file') return mount
  const path = Buffer.from(`./${posix.basename(source)}`)
  return {
    async *list(signal) {
      for await (const batch of mount.list(signal)) yield batch.map(entry => ({ ...entry, path }))
    },
  }
}

async function checkNames(mount: Pick<MountReader, 'list'>, entries: AsyncGenerator<TocEntry>, signal: AbortSignal): Promise<ContentDifference[]> {
  let stored = 0
  while ((await entries.next()).done !== true) stored++
  let found = 0
  for await (const batch of mount.list(signal)) found += batch.filter(entry => entry.type !== 's' && !isLostAndFound(entry)).length
  return stored === found ? [] : [{ path: '.', what: `has ${found} entries instead of ${stored}` }]
}

/** ext4's own, in the root of a file system. */
export function isLostAndFound({ path, type, inode }: ListedEntry): boolean {
  return type === 'd' && inode === '11' && path.toString() === './lost+found'
}

/** What of an entry is not as it is known, in words. */
export function differenceOf(stored: KnownEntry, { type, size, mode, uid, gid, mtime }: ListedEntry): string | undefined {
  if (stored.type === 'h' ? type === 'd' : stored.type !== type) return `is of type ${type} instead of ${stored.type}`
  if (type === 'f' && stored.type === 'f' && stored.size !== size) return `has ${size} bytes instead of ${stored.size}`
  if (stored.mode !== mode && type !== 'l') return `has mode ${mode.toString(8)} instead of ${stored.mode.toString(8)}`
  if (stored.uid !== uid || stored.gid !== gid) return `belongs to ${uid}:${gid} instead of ${stored.uid}:${stored.gid}`
  return isSameTime(stored.mtime, mtime) ? undefined : `has the time ${mtime} instead of ${stored.mtime}`
}

/** Before 1970 find prints the second below and the nanoseconds above it, tar the decimal number. Readers without fractions stored whole seconds. */
function isSameTime(one: string, other: string): boolean {
  return one === other || (one.startsWith('-') && other.startsWith('-')) || (one.endsWith('.000000000') && one.slice(0, -10) === other.slice(0, -10))
}
