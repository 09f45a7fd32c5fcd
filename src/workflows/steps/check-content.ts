import { posix } from 'node:path'
import type { ListedEntry, MountReader } from '../../mounts/mount-access.ts'
import type { ChunkSource } from '../../store/content-reader.ts'
import type { MountContent } from '../../store/mount-manifest.ts'
import type { TocEntry } from '../../store/toc-entry.ts'
import { readToc } from '../../store/toc.ts'
import type { DescribedMount } from '../mount-description.ts'
import type { KnownEntry } from './unchanged.ts'

/** One entry that is not as it is stored. */
export type ContentDifference = { readonly path: string; readonly what: string }

const mostDifferences = 20

/**
 * Compares what lies in a mount with the stored table of contents: names, kinds, sizes, modes, owners and times of every
 * entry. At most twenty differences are collected; none means equal. Both sides are streamed. A table that is not sorted (the
 * api reader's) is compared by names only.
 */
export async function checkContent(mount: Pick<MountReader, 'list'>, source: ChunkSource, { toc }: MountContent, signal: AbortSignal): Promise<ContentDifference[]> {
  const differences: ContentDifference[] = []
  const add = (path: Buffer, what: string): void => {
    if (differences.length < mostDifferences) differences.push({ path: path.toString(), what })
  }
  if (!toc.sorted) return await checkNames(mount, source, toc, signal)
  const stored = flatten(readToc(source, toc))
  let next = await stored.next()
  for await (const batch of mount.list(signal)) {
    for (const entry of batch) {
      if (entry.type === 's' || isLostAndFound(entry)) continue
      while (next.done !== true && Buffer.compare(next.value.path, entry.path) < 0) {
        add(next.value.path, 'is missing')
        next = await stored.next()
      }
      if (next.done === true || !next.value.path.equals(entry.path)) {
        add(entry.path, 'is not in the backup')
        continue
      }
      const what = differenceOf(next.value, entry)
      if (what !== undefined) add(entry.path, what)
      next = await stored.next()
    }
  }
  for (; next.done !== true; next = await stored.next()) add(next.value.path, 'is missing')
  return differences
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

async function checkNames(mount: Pick<MountReader, 'list'>, source: ChunkSource, toc: MountContent['toc'], signal: AbortSignal): Promise<ContentDifference[]> {
  let stored = 0
  for await (const batch of readToc(source, toc)) stored += batch.length
  let found = 0
  for await (const batch of mount.list(signal)) found += batch.filter(entry => entry.type !== 's' && !isLostAndFound(entry)).length
  return stored === found ? [] : [{ path: '.', what: `has ${found} entries instead of ${stored}` }]
}

async function* flatten(batches: AsyncIterable<readonly TocEntry[]>): AsyncGenerator<TocEntry> {
  for await (const batch of batches) yield* batch
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
