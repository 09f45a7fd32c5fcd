/** Looks for a name in many backups. A table of contents that several have in common is read once. */
import { posix } from 'node:path'
import picomatch from 'picomatch'
import { BufferPool } from '../../archive/buffer-pool.ts'
import { globOfTyped, readName, textOfName } from '../../archive/byte-names.ts'
import { DrayError, messageOf } from '../../errors/dray-error.ts'
import type { BackupSummary } from '../../store/backup-summary.ts'
import { ChunkReader } from '../../store/chunk-reader.ts'
import { readMountContent, type TocChunk } from '../../store/mount-manifest.ts'
import type { Repository } from '../../store/repository.ts'
import type { PlacedEntry } from '../../store/toc-entry.ts'
import { readTocChunk } from '../../store/toc-needle.ts'
import { isWithin } from '../steps/own-places.ts'
import { readLooked, type LookedMount } from './find-place.ts'

export type Found = { readonly backup: BackupSummary; readonly mount: LookedMount; readonly entries: readonly PlacedEntry[] }

export type FindJob = {
  readonly repository: Repository
  /** Searched in this order. */
  readonly backups: readonly BackupSummary[]
  /** A name, or a path when it has a slash, which is one of the container when it begins with one; either may be a glob. */
  readonly pattern: string
  readonly container: string | undefined
  readonly signal: AbortSignal
  /** Told of a backup or mount that cannot be read; the search goes on. */
  readonly onDamaged: (text: string) => void
}

export async function* findEntries({ repository, backups, pattern, container, signal, onDamaged }: FindJob): AsyncGenerator<Found> {
  const wanted = matcherOf(pattern)
  const source = new ChunkReader(repository.blobs)
  const pool = new BufferPool(2)
  const known = new Map<string, readonly PlacedEntry[]>()
  const look = async (chunk: TocChunk): Promise<readonly PlacedEntry[]> => {
    const before = known.get(chunk.key)
    if (before !== undefined) return before
    const found = (await readTocChunk(source, chunk, pool, wanted.needle)).filter(({ path }) => wanted.mayMatch(path))
    known.set(chunk.key, found)
    return found
  }
  for (const backup of backups) {
    const looked = await orTold(readLooked(repository, backup, container), `backup ${backup.id}`, onDamaged)
    for (const mount of looked?.mounts ?? []) {
      signal.throwIfAborted()
      const what = `${mount.described.label} of backup ${backup.id}`
      const inner = looked?.mounts.filter(other => isInside(other, mount)) ?? []
      const content = await orTold(readMountContent(repository.blobs, mount.parts), what, onDamaged)
      for (const chunk of content?.content.toc.chunks ?? []) {
        const candidates = await orTold(look(chunk), what, onDamaged)
        const entries = (candidates ?? []).filter(({ path }) => wanted.matches(path, mount) && !inner.some(other => isFoundIn(other, mount, path, wanted)))
        if (entries.length > 0) yield { backup, mount, entries }
      }
    }
  }
}

/** Of two binds. */
function isInside({ described: inner }: LookedMount, { described: outer }: LookedMount): boolean {
  return outer.kind === 'directory' && (inner.kind === 'directory' || inner.kind === 'file') && inner.source !== outer.source && isWithin(inner.source, outer.source)
}

/** What lies in a bind inside this one has the name that it has there, and is found there. */
function isFoundIn(inner: LookedMount, { described: outer }: LookedMount, path: Buffer, wanted: Matcher): boolean {
  const at = Buffer.from(posix.relative(outer.source, inner.described.source))
  const below = path.subarray(2 + at.length)
  if (!path.subarray(2, 2 + at.length).equals(at) || (below.length > 0 && below[0] !== 0x2f)) return false
  const there = inner.described.kind === 'file' ? Buffer.from(`./${posix.basename(inner.described.source)}`) : Buffer.concat([Buffer.from('.'), below])
  return wanted.mayMatch(there) && wanted.matches(there, inner)
}

type Matcher = { readonly needle: string | undefined; /** By the path in the mount alone. */ readonly mayMatch: (path: Buffer) => boolean; readonly matches: (path: Buffer, mount: LookedMount) => boolean }

function matcherOf(pattern: string): Matcher {
  const isGlob = picomatch.scan(pattern).isGlob
  const text = isGlob ? globOfTyped(pattern) : textOfName(readName(pattern))
  const isMatch = isGlob ? picomatch(text, { dot: true }) : (name: string) => name === text
  const needle = needleOf(pattern)
  if (!pattern.includes('/')) {
    const ofName = (path: Buffer): boolean => isMatch(textOfName(path.subarray(path.lastIndexOf(0x2f) + 1)))
    return { needle, mayMatch: ofName, matches: () => true }
  }
  if (!pattern.startsWith('/')) return { needle, mayMatch: path => isMatch(textOfName(path.subarray(2))), matches: () => true }
  const last = isGlob ? undefined : posix.basename(text)
  const inContainer = (path: Buffer, { described: { kind, destinations } }: LookedMount): boolean =>
    destinations.some(({ path: at }) => isMatch(kind === 'file' ? at : posix.join(at, textOfName(path.subarray(2)))))
  return { needle: undefined, mayMatch: path => last === undefined || path.length === 1 || textOfName(path).endsWith(`/${last}`) || path.lastIndexOf(0x2f) === 1, matches: inContainer }
}

/** The longest run of plain letters that stands in every line that matches. */
function needleOf(pattern: string): string | undefined {
  const plain = posix.basename(pattern).replace(/\{.*\}|\[.*\]|\(.*\)/g, '*').split(/[^A-Za-z0-9 _.-]+/).sort((a, b) => b.length - a.length)[0]
  return plain === undefined || plain.length < 3 || /[\\{}()[\]@!+|]/.test(pattern) ? undefined : plain
}

async function orTold<T>(reading: Promise<T>, what: string, onDamaged: (text: string) => void): Promise<T | undefined> {
  try {
    return await reading
  } catch (thrown) {
    if (!(thrown instanceof DrayError) || (thrown.code !== 'damaged' && thrown.code !== 'io-failed' && thrown.code !== 'not-found')) throw thrown
    if (thrown.code !== 'not-found') onDamaged(`${what} cannot be searched: ${messageOf(thrown)}`)
    return undefined
  }
}
