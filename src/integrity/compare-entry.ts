import type { TarEntry } from '../archive/tar-entry.ts'
import { tocPathOf, tocTypeOf, type PlacedEntry } from '../store/toc-entry.ts'

/** How an entry of a tar differs from what the table of contents says; `from` is where the tar that was scanned begins. */
export function* compareEntry(entry: PlacedEntry, found: TarEntry | undefined, from: number): Generator<string> {
  const path = `"${entry.path.toString()}"`
  if (found === undefined) {
    yield `${path} is not in the tar`
    return
  }
  if (!tocPathOf(found.name).equals(entry.path)) yield `${path} is called "${found.name.toString()}" in the tar`
  const facts: [what: string, expected: string | number, found: string | number | undefined][] = [
    ['type', entry.type, tocTypeOf(found.type)],
    ...(entry.type === 'f' ? [['size', entry.size, found.realSize] as [string, number, number]] : []),
    ['mode', entry.mode.toString(8), found.mode.toString(8)],
    ['owner', `${entry.uid}:${entry.gid}`, `${found.uid}:${found.gid}`],
    ['time', timeOf(entry.mtime), timeOf(found.mtime)],
    ['target', entry.target?.toString() ?? '', entry.target === undefined ? '' : found.linkName.toString()],
    ['position', entry.offset, from + found.headerStart],
    ['length', entry.bytes, found.recordEnd - found.headerStart],
    ['header', entry.headerBytes, found.dataStart - found.headerStart],
  ]
  for (const [what, expected, actual] of facts) if (expected !== actual) yield `${path} has ${what} ${actual ?? 'unknown'} in the tar instead of ${expected}`
}

/** Before 1970 the table may hold find's way of writing it, the tar has another. */
function timeOf(mtime: string): string {
  return mtime.startsWith('-') ? 'before 1970' : mtime
}
