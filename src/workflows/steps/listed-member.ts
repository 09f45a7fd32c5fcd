/** What tar wrote of an entry, and what was listed of it before. */
import type { TarEntry } from '../../archive/tar-entry.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { ListedEntry } from '../../mounts/mount-access.ts'
import type { TocEntry } from '../../store/toc-entry.ts'

const kinds: Readonly<Record<string, TocEntry['type']>> = { 0: 'f', '\0': 'f', 7: 'f', S: 'f', 1: 'h', 2: 'l', 3: 'c', 4: 'b', 5: 'd', 6: 'p' }

export function kindOfMember({ type, name }: TarEntry): TocEntry['type'] {
  const kind = kinds[type]
  if (kind === undefined) throw new DrayError('io-failed', `tar wrote an entry of the unknown type "${type}" for "${name.toString()}"`)
  return kind
}

/** As it is listed: tar ends the names of directories with a slash. */
export function pathOfMember({ name }: TarEntry): Buffer {
  return name.length > 1 && name[name.length - 1] === 0x2f ? name.subarray(0, -1) : name
}

/** False when the entry changed between the listing and tar. */
export function isAsListed(entry: TarEntry, listed: ListedEntry): boolean {
  const kind = kindOfMember(entry)
  return (kind === 'h' || kind === 'd' || kind === 'l' || entry.realSize === listed.size || listed.type !== 'f') && (listed.mtime.startsWith('-') || listed.mtime === entry.mtime)
}
