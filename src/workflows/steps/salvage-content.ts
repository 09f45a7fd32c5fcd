import { makeTarHeader, type HeaderFacts } from '../../archive/make-tar-header.ts'
import { markedEntries, type MarkedEntry, type Range, type UnknownEntries } from '../../integrity/marked-entries.ts'
import { readRange, type ChunkSource } from '../../store/content-reader.ts'
import type { PlacedEntry } from '../../store/toc-entry.ts'
import type { HurtMount } from '../restore-plan.ts'

/** An entry that did not come back, or not whole. */
export type LostEntry = { readonly path: string; readonly lost: string }

const endOfArchive = Buffer.alloc(1024)
const nothing: Range = { from: 0, to: 0 }
const typeFlags: Readonly<Partial<Record<PlacedEntry['type'], HeaderFacts['type']>>> = { f: '0', h: '1', l: '2', d: '5', p: '6' }

/**
 * The tar of a mount of which chunks are damaged, put together again entry by entry: those of which bytes are missing are left
 * out, and those of which only the header is missing get one from the table of contents. `onLost` is told of each. With `wants`
 * only what it wants is there, and what of it is lost.
 */
export async function* salvagedTar(source: ChunkSource, { content, described, isBad }: Pick<HurtMount, 'content' | 'isBad'> & { readonly described: Pick<HurtMount['described'], 'kind'> }, onLost: (lost: LostEntry) => void, wants?: (path: Buffer) => boolean): AsyncGenerator<Buffer> {
  const read = async function* ({ from, to }: Range): AsyncGenerator<Buffer> {
    if (to > from) yield* readRange(source, content.chunks, from, to) as AsyncIterable<Buffer>
  }
  let run = nothing
  for await (const marked of markedEntries(source, content, isBad)) {
    if (wants !== undefined && 'entry' in marked && !wants(marked.entry.path)) continue
    const whole = wants !== undefined && 'unknown' in marked ? undefined : wholeRecord(marked)
    if (whole !== undefined) {
      if (whole.from !== run.to) yield* read(run)
      run = { from: whole.from === run.to ? run.from : whole.from, to: whole.to }
      continue
    }
    yield* read(run)
    run = nothing
    if ('unknown' in marked) onLost({ path: marked.first.toString(), lost: `${marked.unknown} entries from this one on: names and data` })
    else yield* mended(marked, read, described.kind === 'file', onLost)
  }
  yield* read(run)
  yield endOfArchive
}

/** What is there when it is written; undefined when nobody knows all the names. */
export function salvagedEntries(source: ChunkSource, { content, described, isBad }: HurtMount): AsyncGenerator<PlacedEntry> | undefined {
  if (described.kind === 'file' || content.toc.chunks.some(isBad)) return undefined
  return entriesLeft(source, { content, isBad })
}

async function* entriesLeft(source: ChunkSource, { content, isBad }: Pick<HurtMount, 'content' | 'isBad'>): AsyncGenerator<PlacedEntry> {
  for await (const marked of markedEntries(source, content, isBad)) if ('entry' in marked && marked.left !== 'lost') yield marked.entry
}

function wholeRecord(marked: MarkedEntry | UnknownEntries): Range | undefined {
  if ('unknown' in marked) return marked.areWhole ? marked : undefined
  const { entry, left, end } = marked
  return left === 'whole' && end === entry.offset + entry.bytes ? { from: entry.offset, to: end } : undefined
}

/** `isOnly`: the mount is this file, and an engine would make a directory where none is: it is made, empty. */
async function* mended({ entry, left, end }: MarkedEntry, read: (range: Range) => AsyncGenerator<Buffer>, isOnly: boolean, onLost: (lost: LostEntry) => void): AsyncGenerator<Buffer> {
  const { offset, headerBytes, bytes, type } = entry
  const path = entry.path.toString()
  if (left === 'lost') {
    onLost({ path, lost: type === 'h' ? 'the file that it is another name of' : isOnly ? 'its data: it is empty' : 'its data' })
    if (isOnly && type === 'f') yield headerOf(entry, 0)
    return
  }
  if (left === 'data') {
    onLost({ path, lost: 'its extended attributes and ACLs, if it had any' })
    yield headerOf(entry, type === 'f' ? entry.size : 0)
  }
  yield* read({ from: left === 'whole' ? offset : offset + headerBytes, to: end })
  yield Buffer.alloc(offset + bytes - end)
}

function headerOf({ path, type, mode, uid, gid, mtime, target }: PlacedEntry, size: number): Buffer {
  const flag = typeFlags[type]
  if (flag === undefined) throw new RangeError(`a header of type "${type}" cannot be made`)
  return makeTarHeader({ name: path, type: flag, size, mode, uid, gid, mtime, ...(target === undefined ? {} : { linkName: target }) })
}
