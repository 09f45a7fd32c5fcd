import { fileContent } from '../../archive/file-content.ts'
import { showName } from '../../archive/byte-names.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { readRange } from '../../store/content-reader.ts'
import type { PlacedEntry } from '../../store/toc-entry.ts'
import { placeText, type Place } from './find-place.ts'
import { followLinks, selectEntries } from './select-entries.ts'

const kinds: Readonly<Partial<Record<PlacedEntry['type'], string>>> = { d: 'a folder', p: 'a fifo', c: 'a device', b: 'a device' }

/** The files that a path or a glob names, symbolic links followed inside the mount. `usage` for what has no content. */
export async function* filesOf(place: Place): AsyncGenerator<PlacedEntry> {
  const named = await selectEntries(place).catch((thrown: unknown) => {
    // It may lead through a folder that is a symbolic link.
    if (thrown instanceof DrayError && thrown.code === 'not-found') return undefined
    throw thrown
  })
  if (named?.how !== 'glob') {
    yield requireFile(await followLinks(place, place.typed), place)
    return
  }
  let count = 0
  for await (const batch of named.entries) {
    for (const entry of batch.filter(({ type }) => type !== 'd')) {
      count++
      yield requireFile(entry.type === 'f' ? entry : await followLinks(place, showName(entry.path.subarray(2))), place)
    }
  }
  if (count === 0) throw new DrayError('not-found', `no file matches "${place.typed}"`)
}

/** A file's bytes, holes as zeros; only the chunks that hold them are read. */
export function readFile({ source, content }: Place, { offset, bytes }: PlacedEntry): AsyncGenerator<Buffer> {
  return fileContent(readRange(source, content.chunks, offset, offset + bytes) as AsyncIterable<Buffer>)
}

function requireFile(entry: PlacedEntry, { looked, mount }: Place): PlacedEntry {
  const kind = kinds[entry.type]
  if (kind !== undefined) {
    const name = placeText({ backup: looked.backup.id, mount }, entry.path)
    throw new DrayError('usage', `"${name}" is ${kind}, and has no content to show`, { hints: entry.type === 'd' ? [`list it: dray ls ${name}`, `take it out: dray extract ${name}`] : [`see what it is: dray ls ${name}`] })
  }
  return entry
}
