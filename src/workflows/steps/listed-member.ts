/** What tar wrote of an entry, and what was listed of it before. */
import type { TarEntry } from '../../archive/tar-entry.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { ListedEntry } from '../../mounts/mount-access.ts'
import { tocPathOf, tocTypeOf, type TocEntry } from '../../store/toc-entry.ts'

export function kindOfMember({ type, name }: TarEntry): TocEntry['type'] {
  const kind = tocTypeOf(type)
  if (kind === undefined) throw new DrayError('io-failed', `tar wrote an entry of the unknown type "${type}" for "${name.toString()}"`)
  return kind
}

/** As it is listed. */
export function pathOfMember({ name }: TarEntry): Buffer {
  return tocPathOf(name)
}

/** False when the entry changed between the listing and tar. */
export function isAsListed(entry: TarEntry, listed: ListedEntry): boolean {
  const kind = kindOfMember(entry)
  return (kind === 'h' || kind === 'd' || kind === 'l' || entry.realSize === listed.size || listed.type !== 'f') && (listed.mtime.startsWith('-') || listed.mtime === entry.mtime)
}
