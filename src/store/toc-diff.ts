import type { ChunkSource } from './content-reader.ts'
import type { Toc } from './mount-manifest.ts'
import type { PlacedEntry } from './toc-entry.ts'
import { readToc } from './toc.ts'

/** An entry that only one of two tables of contents has, or that both have and that is not the same. */
export type TocDifference =
  | { readonly change: 'added'; readonly after: PlacedEntry }
  | { readonly change: 'removed'; readonly before: PlacedEntry }
  | { readonly change: 'changed'; readonly before: PlacedEntry; readonly after: PlacedEntry; readonly what: readonly string[] }

/**
 * What differs, in the order of the paths. Chunks that both tables have in the same place are not read, so it takes as long as
 * there is to tell. Tables that are not sorted (the api reader's) are read whole and sorted in memory.
 */
export async function* diffTocs(source: ChunkSource, before: Toc, after: Toc): AsyncGenerator<TocDifference> {
  const canSkip = before.sorted && after.sorted
  const [one, other] = [new Cursor(source, before), new Cursor(source, after)]
  for (;;) {
    if (canSkip && one.nextChunk !== undefined && one.nextChunk === other.nextChunk) {
      one.skip()
      other.skip()
      continue
    }
    const [left, right] = [await one.peek(), await other.peek()]
    if (left === undefined && right === undefined) return
    const order = left === undefined ? 1 : right === undefined ? -1 : left.path.compare(right.path)
    if (order <= 0) one.next()
    if (order >= 0) other.next()
    if (order < 0 && left !== undefined) yield { change: 'removed', before: left }
    else if (order > 0 && right !== undefined) yield { change: 'added', after: right }
    else if (left !== undefined && right !== undefined) {
      const what = whatDiffers(left, right)
      if (what.length > 0) yield { change: 'changed', before: left, after: right, what }
    }
  }
}

/** Walks a table, a chunk at a time. */
class Cursor {
  private readonly source: ChunkSource
  private readonly toc: Toc
  private chunk = 0
  private entries: readonly PlacedEntry[] = []
  private at = 0

  constructor(source: ChunkSource, toc: Toc) {
    this.source = source
    this.toc = toc
  }

  /** The key of the chunk that comes next, when all before it is behind. */
  get nextChunk(): string | undefined {
    return this.at === this.entries.length ? this.toc.chunks[this.chunk]?.key : undefined
  }

  skip(): void {
    this.chunk++
  }

  async peek(): Promise<PlacedEntry | undefined> {
    while (this.at === this.entries.length) {
      if (this.chunk >= this.toc.chunks.length) return undefined
      this.entries = await this.read()
      this.at = 0
    }
    return this.entries[this.at]
  }

  next(): void {
    this.at++
  }

  private async read(): Promise<readonly PlacedEntry[]> {
    const to = this.toc.sorted ? this.chunk + 1 : this.toc.chunks.length
    const read: PlacedEntry[] = []
    for await (const batch of readToc(this.source, this.toc, { from: this.chunk, to })) for (const entry of batch) read.push(entry)
    this.chunk = to
    return this.toc.sorted ? read : read.sort((a, b) => a.path.compare(b.path))
  }
}

/** A folder's own size and time follow from what is in it. Which name of a file holds its data follows from the order of names. */
function whatDiffers(before: PlacedEntry, after: PlacedEntry): string[] {
  const kind = ({ type }: PlacedEntry): string => (type === 'h' ? 'f' : type)
  const [one, other] = [kind(before), kind(after)]
  const isFile = one === 'f'
  return [
    ...(one === other ? [] : ['type']),
    ...(isFile && other === 'f' && before.type === after.type && before.size !== after.size ? ['size'] : []),
    ...(before.mode === after.mode ? [] : ['mode']),
    ...(before.uid === after.uid && before.gid === after.gid ? [] : ['owner']),
    ...(one === 'd' || before.mtime === after.mtime ? [] : ['time']),
    ...(one === 'l' && other === 'l' && before.target?.equals(after.target ?? Buffer.alloc(0)) !== true ? ['target'] : []),
  ]
}
