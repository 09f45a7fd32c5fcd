/** Which entries of a mount a path or a glob names. */
import { posix } from 'node:path'
import picomatch from 'picomatch'
import { globOfTyped, readName, showName, textOfName } from '../../archive/byte-names.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { didYouMean } from '../../errors/similar-name.ts'
import type { PlacedEntry } from '../../store/toc-entry.ts'
import { childrenOf, entriesBelow } from '../../store/toc-search.ts'
import { findTocEntry } from '../../store/toc.ts'
import { pathOfTyped, shortNameOf, type Place } from './find-place.ts'

export type Named = { readonly how: 'path'; readonly entry: PlacedEntry } | { readonly how: 'glob'; readonly entries: AsyncGenerator<PlacedEntry[]> }

const mostLinks = 40

/** An entry with exactly this name comes before a glob. `not-found`, with a similar name, when it is neither. */
export async function selectEntries(place: Place): Promise<Named> {
  const entry = await findExactly(place, place.typed)
  if (entry !== undefined) return { how: 'path', entry }
  if (picomatch.scan(place.typed).isGlob) return { how: 'glob', entries: matching(place) }
  throw await noEntry(place)
}

/** The one entry; of a mount that is a single file, and of a dump, that file. */
async function findExactly({ mount, content, source }: Place, typed: string): Promise<PlacedEntry | undefined> {
  if (typed === '' && (mount.described.kind === 'file' || mount.described.kind === 'dump')) {
    for await (const [only] of childrenOf(source, content.toc, Buffer.from('.'))) if (only !== undefined) return only
  }
  const raw = Buffer.from(`./${typed}`)
  const wanted = pathOfTyped(typed)
  return await findTocEntry(source, content.toc, wanted) ?? (wanted.equals(raw) ? undefined : await findTocEntry(source, content.toc, raw))
}

async function* matching({ content: { toc }, source, typed }: Place): AsyncGenerator<PlacedEntry[]> {
  const segments = typed.split('/')
  const first = segments.findIndex(segment => picomatch.scan(segment).isGlob)
  const folder = pathOfTyped(segments.slice(0, first).join('/'))
  const isMatch = picomatch(globOfTyped(typed), { dot: true })
  const isDeep = first < segments.length - 1 || typed.includes('**')
  for await (const batch of isDeep ? entriesBelow(source, toc, folder) : childrenOf(source, toc, folder)) {
    yield batch.filter(({ path }) => isMatch(textOfName(path.subarray(2))))
  }
}

export async function noEntry({ looked: { backup }, mount, content, source, typed }: Place): Promise<DrayError> {
  const folder = posix.dirname(typed) === '.' ? '' : posix.dirname(typed)
  const names: string[] = []
  const from = folder === '' ? 2 : readName(folder).length + 3
  for await (const batch of childrenOf(source, content.toc, pathOfTyped(folder))) if (names.length < 10_000) names.push(...batch.map(({ path }) => showName(path.subarray(from))))
  return new DrayError('not-found', `mount "${shortNameOf(mount)}" of backup "${backup.id}" holds no "${typed}"`, { hints: [...didYouMean(posix.basename(typed), names), `look into it: dray ls ${backup.id}:${shortNameOf(mount)}${folder === '' ? '' : `/${folder}`}`] })
}

/** Where a path leads through symbolic links that stay inside the mount. A hard link leads to the name that holds the data. */
export async function followLinks(place: Place, typed: string): Promise<PlacedEntry> {
  let wanted = typed
  for (let links = 0; links < mostLinks; links++) {
    const entry = await findExactly(place, wanted)
    if (entry?.type === 'h' && entry.target !== undefined) return await nameOfData(place, entry, entry.target)
    if (entry !== undefined && entry.type !== 'l') return entry
    const next = entry?.target !== undefined ? target(place, wanted, entry.target) : await throughFolder(place, wanted)
    if (next === undefined) throw await noEntry({ ...place, typed })
    wanted = next
  }
  throw new DrayError('not-found', `"${typed}" leads through too many symbolic links`)
}

async function nameOfData({ content, source }: Place, { path }: PlacedEntry, to: Buffer): Promise<PlacedEntry> {
  const found = await findTocEntry(source, content.toc, to)
  if (found === undefined) throw new DrayError('damaged', `"${showName(path)}" is another name of "${showName(to)}", which the backup does not hold`)
  return found
}

/** The path again with the first of its folders that is a symbolic link replaced by what that names. */
async function throughFolder(place: Place, typed: string): Promise<string | undefined> {
  const segments = typed.split('/')
  for (let count = 1; count < segments.length; count++) {
    const folder = segments.slice(0, count).join('/')
    const entry = await findExactly(place, folder)
    if (entry === undefined) return undefined
    if (entry.type === 'l' && entry.target !== undefined) return posix.join(target(place, folder, entry.target), ...segments.slice(count))
  }
  return undefined
}

function target({ mount }: Place, link: string, to: Buffer): string {
  const text = showName(to)
  const at = mount.described.destinations.map(({ path }) => path).find(path => text === path || text.startsWith(`${path}/`))
  const inside = posix.isAbsolute(text) ? (at === undefined ? undefined : posix.normalize(text.slice(at.length + 1))) : posix.join(posix.dirname(link), text)
  if (inside === undefined || inside === '..' || inside.startsWith('../')) throw new DrayError('not-found', `"${link}" is a symbolic link to "${text}", outside of the mount`, { hints: ['name what it leads to'] })
  return inside === '.' ? '' : inside.replace(/\/+$/, '')
}
