import { createHash } from 'node:crypto'
import { isLostContent } from '../errors/lost-content.ts'
import type { ChunkRef, ContentChunk } from '../store/chunk-ref.ts'
import type { ChunkSource } from '../store/content-reader.ts'
import { DigestSet } from '../store/digest-set.ts'
import type { MountContent } from '../store/mount-manifest.ts'
import type { Digest } from '../store/oci.ts'
import type { PlacedEntry } from '../store/toc-entry.ts'
import { readToc } from '../store/toc.ts'

const blockBytes = 512

/** Bytes [from, to) of a mount's tar. */
export type Range = { readonly from: number; readonly to: number }

/**
 * What can be had of an entry: `whole`; `data`, when its headers are lost, and the table says enough to make others, without
 * extended attributes; `lost`. A hard link is lost with the file that it is another name of. `end`: where what is there of the
 * record ends: with its data, when its padding is lost.
 */
export type MarkedEntry = { readonly entry: PlacedEntry; readonly left: 'whole' | 'data' | 'lost'; readonly end: number }

/** A part of the table that cannot be read: so many entries, of which the first is known. Their records may be whole all the same. */
export type UnknownEntries = Range & { readonly unknown: number; readonly first: Buffer; readonly areWhole: boolean }

/** Every entry of a mount in tar order, and how much of it there is when the chunks for which `isBad` says so are not. */
export async function* markedEntries(source: ChunkSource, { chunks, toc }: MountContent, isBad: (chunk: ChunkRef) => boolean): AsyncGenerator<MarkedEntry | UnknownEntries> {
  const gaps = badRanges(chunks, isBad)
  const tarBytes = chunks.reduce((sum, { length }) => sum + length, 0)
  const names = new LinkedNames()
  let gap = 0
  const overlaps = (from: number, to: number): boolean => {
    while ((gaps[gap]?.to ?? Infinity) <= from) gap++
    return (gaps[gap]?.from ?? Infinity) < to
  }
  for (const [at, chunk] of toc.chunks.entries()) {
    const entries = isBad(chunk) ? undefined : await entriesOf(source, toc, at)
    if (entries === undefined) {
      const range = { from: chunk.offset, to: toc.chunks[at + 1]?.offset ?? tarBytes }
      yield { ...range, unknown: chunk.entries, first: chunk.first, areWhole: !overlaps(range.from, range.to) }
      continue
    }
    for (const entry of entries) {
      const recordEnd = entry.offset + entry.bytes
      if (!overlaps(entry.offset, recordEnd)) {
        yield { entry, left: names.keep(entry, 'whole'), end: recordEnd }
        continue
      }
      const data = entry.offset + entry.headerBytes
      const end = isPlain(entry) ? data + entry.size : recordEnd
      const hasHeader = !overlaps(entry.offset, data)
      const hasData = data === end || !overlaps(data, end)
      const left = !hasData ? 'lost' : hasHeader ? 'whole' : canBeMade(entry) ? 'data' : 'lost'
      yield { entry, left: names.keep(entry, left), end }
    }
  }
}

/** A file that stands in the tar byte by byte, without a map of holes. */
function isPlain({ type, size, bytes, headerBytes }: PlacedEntry): boolean {
  return type === 'f' && Math.ceil(size / blockBytes) * blockBytes === bytes - headerBytes
}

/** The table does not know the numbers of devices, nor where the holes of a file are. */
function canBeMade(entry: PlacedEntry): boolean {
  return entry.type === 'f' ? isPlain(entry) : entry.type !== 'c' && entry.type !== 'b'
}

/** Undefined when that part of the table cannot be read. */
async function entriesOf(source: ChunkSource, toc: MountContent['toc'], at: number): Promise<PlacedEntry[] | undefined> {
  try {
    for await (const entries of readToc(source, toc, { from: at, to: at + 1 })) return entries
    return []
  } catch (thrown) {
    if (isLostContent(thrown)) return undefined
    throw thrown
  }
}

/** Neighbours as one, in order. */
function badRanges(chunks: readonly ContentChunk[], isBad: (chunk: ChunkRef) => boolean): Range[] {
  const ranges: { from: number; to: number }[] = []
  let at = 0
  for (const chunk of chunks) {
    const end = at + chunk.length
    if (isBad(chunk) && end > at) {
      const last = ranges.at(-1)
      if (last?.to === at) last.to = end
      else ranges.push({ from: at, to: end })
    }
    at = end
  }
  return ranges
}

/** The files with several names that are lost, in 40 bytes each. */
class LinkedNames {
  readonly #lost = new DigestSet()

  keep({ type, links, path, target }: PlacedEntry, left: MarkedEntry['left']): MarkedEntry['left'] {
    if (type === 'h') return target !== undefined && this.#lost.has(digestOfName(target)) ? 'lost' : left
    if (left === 'lost' && type !== 'd' && links !== 1) this.#lost.add(digestOfName(path))
    return left
  }
}

function digestOfName(name: Buffer): Digest {
  return `sha256:${createHash('sha256').update(name).digest('hex')}`
}

