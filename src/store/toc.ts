import { BufferPool } from '../archive/buffer-pool.ts'
import { DrayError } from '../errors/dray-error.ts'
import { fnv1a } from './chunk-record.ts'
import { plainChunks, type ChunkSource } from './content-reader.ts'
import type { ChunkRef } from './chunk-ref.ts'
import { decodeTocLines, encodeTocEntry, type PlacedEntry, type TocEntry } from './toc-entry.ts'
import type { Toc, TocChunk } from './mount-manifest.ts'

const leastBytes = 64 * 1024
const averageBytes = 256 * 1024
const mostBytes = 1024 * 1024
const inFlight = 4
/** Of all tables that are read at a time. */
const pool = new BufferPool(12, mostBytes)

/**
 * Writes a table of contents as it comes: lines, cut into chunks between lines where a line's own content says so. A cut
 * depends on the lines since the last cut only, so unchanged entries give unchanged chunks.
 */
export class TocWriter {
  readonly #store: { store(plain: Buffer): Promise<ChunkRef> }
  readonly #chunks: Promise<TocChunk>[] = []
  readonly #last = new PathMemory()
  #settled = 0
  #text = Buffer.allocUnsafe(leastBytes)
  #textBytes = 0
  #lines = 0
  #first: Buffer | undefined
  #start = 0
  #position = 0
  #isSorted = true
  #entries = 0

  constructor(store: { store(plain: Buffer): Promise<ChunkRef> }) {
    this.#store = store
  }

  get entries(): number {
    return this.#entries
  }

  /** The next entry in tar order: its record begins where the one before it ended. */
  async add(entry: TocEntry): Promise<void> {
    await this.addLine(encodeTocEntry(entry), entry.path, entry.bytes)
  }

  /** The same as it is written, with its end; the path and the length of the record are what it says. A promise where it has to be waited for. */
  addLine(line: Buffer, path: Buffer, recordBytes: number): Promise<void> | undefined {
    if (this.#textBytes > 0 && this.#textBytes + line.length > mostBytes) this.#cut()
    if (!this.#last.goesBefore(path)) this.#isSorted = false
    this.#last.keep(path)
    this.#first ??= Buffer.from(path)
    this.#append(line)
    this.#lines++
    this.#position += recordBytes
    this.#entries++
    if (this.#textBytes >= leastBytes && endsChunk(line)) this.#cut()
    return this.#chunks.length - this.#settled > inFlight ? this.#settle() : undefined
  }

  async finish(): Promise<Toc> {
    this.#cut()
    return { chunks: await Promise.all(this.#chunks), sorted: this.#isSorted }
  }

  #append(line: Buffer): void {
    const bytes = this.#textBytes + line.length
    if (bytes > this.#text.length) {
      const larger = Buffer.allocUnsafe(Math.max(2 * this.#text.length, bytes))
      this.#text.copy(larger, 0, 0, this.#textBytes)
      this.#text = larger
    }
    line.copy(this.#text, this.#textBytes)
    this.#textBytes = bytes
  }

  #cut(): void {
    const [plain, first, entries, offset] = [Buffer.from(this.#text.subarray(0, this.#textBytes)), this.#first, this.#lines, this.#start]
    if (first === undefined) return
    this.#textBytes = 0
    this.#lines = 0
    this.#first = undefined
    this.#start = this.#position
    const storing = this.#store.store(plain).then(ref => ({ ...ref, entries, offset, first }))
    storing.catch(() => undefined)
    this.#chunks.push(storing)
  }

  async #settle(): Promise<void> {
    while (this.#chunks.length - this.#settled > inFlight) await this.#chunks[this.#settled++]
  }
}

/** A path that outlives the buffer it came in, without a new one for each. */
class PathMemory {
  #bytes = Buffer.alloc(256)
  #length = -1

  keep(path: Buffer): void {
    if (path.length > this.#bytes.length) this.#bytes = Buffer.alloc(2 * path.length)
    this.#length = path.copy(this.#bytes)
  }

  goesBefore(path: Buffer): boolean {
    return this.#length < 0 || this.#bytes.compare(path, 0, path.length, 0, this.#length) < 0
  }
}

/** Entries in tar order, a chunk of the table at a time, with their places in the stream. `from` skips that many chunks. */
export async function* readToc(source: ChunkSource, { chunks }: Toc, { from = 0, to = chunks.length }: { readonly from?: number; readonly to?: number } = {}): AsyncGenerator<PlacedEntry[]> {
  for await (const entries of chunksOfToc(source, chunks.slice(from, to))) yield [...entries]
}

/** The same one by one: no more than the text of some chunks is in memory. */
export async function* walkToc(source: ChunkSource, { chunks }: Toc): AsyncGenerator<PlacedEntry> {
  for await (const entries of chunksOfToc(source, chunks)) yield* entries
}

async function* chunksOfToc(source: ChunkSource, chunks: readonly TocChunk[]): AsyncGenerator<Generator<PlacedEntry>> {
  let number = 0
  // What is decoded has memory of its own.
  for await (const lines of plainChunks(source, chunks, { pool })) yield entriesIn(lines, chunks[number++])
}

/** What one chunk of the table says, each entry decoded when it is asked for. Throws `damaged`. */
export function* entriesIn(lines: Buffer, chunk: TocChunk | undefined): Generator<PlacedEntry> {
  let count = 0
  for (const entry of decodeTocLines(lines, chunk?.offset ?? 0)) {
    count++
    yield entry
  }
  assertEntries(chunk, count)
}

/** Throws `damaged` when a chunk of the table does not have as many entries as it should. */
export function assertEntries(chunk: TocChunk | undefined, count: number): void {
  if (count !== chunk?.entries) throw new DrayError('damaged', `chunk "${chunk?.key ?? ''}" of a table of contents has ${count} entries instead of ${chunk?.entries ?? 0}`)
}

/** The entry with this path. In a sorted table one chunk is read. When a path occurs twice the last one counts, as for tar. */
export async function findTocEntry(source: ChunkSource, toc: Toc, path: Buffer): Promise<PlacedEntry | undefined> {
  let found: PlacedEntry | undefined
  for await (const entries of readToc(source, toc, tocChunksFrom(toc, path, path))) found = entries.findLast(entry => entry.path.equals(path)) ?? found
  return found
}

/** The chunks of the table that can hold paths between `first` and `last`: all of them when it is not sorted. */
export function tocChunksFrom({ sorted, chunks }: Toc, first: Buffer, last: Buffer): { readonly from: number; readonly to: number } {
  if (!sorted) return { from: 0, to: chunks.length }
  const after = chunks.findIndex(chunk => chunk.first.compare(last) > 0)
  return { from: Math.max(0, chunks.findLastIndex(chunk => chunk.first.compare(first) <= 0)), to: after < 0 ? chunks.length : after }
}

/** A line of n bytes ends the chunk with probability n / (average - minimum), whatever the lines' lengths. */
function endsChunk(line: Buffer): boolean {
  let hash = fnv1a(line, 0, line.length)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  hash = (hash ^ (hash >>> 16)) >>> 0
  return hash < (2 ** 32 / (averageBytes - leastBytes)) * line.length
}
