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
const pool = new BufferPool(12)

/**
 * Writes a table of contents as it comes: lines, cut into chunks between lines where a line's own content says so. A cut
 * depends on the lines since the last cut only, so unchanged entries give unchanged chunks.
 */
export class TocWriter {
  readonly #store: { store(plain: Buffer): Promise<ChunkRef> }
  readonly #chunks: Promise<TocChunk>[] = []
  #settled = 0
  #lines: Buffer[] = []
  #lineBytes = 0
  #first: Buffer | undefined
  #start = 0
  #position = 0
  #last: Buffer | undefined
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
    const line = encodeTocEntry(entry)
    if (this.#lineBytes > 0 && this.#lineBytes + line.length > mostBytes) await this.#cut()
    if (this.#last !== undefined && this.#last.compare(entry.path) >= 0) this.#isSorted = false
    this.#last = entry.path
    this.#first ??= entry.path
    this.#lines.push(line)
    this.#lineBytes += line.length
    this.#position += entry.bytes
    this.#entries++
    if (this.#lineBytes >= leastBytes && endsChunk(line)) await this.#cut()
  }

  async finish(): Promise<Toc> {
    await this.#cut()
    return { chunks: await Promise.all(this.#chunks), sorted: this.#isSorted }
  }

  async #cut(): Promise<void> {
    const [plain, first, entries, offset] = [Buffer.concat(this.#lines, this.#lineBytes), this.#first, this.#lines.length, this.#start]
    if (first === undefined) return
    this.#lines = []
    this.#lineBytes = 0
    this.#first = undefined
    this.#start = this.#position
    const storing = this.#store.store(plain).then(ref => ({ ...ref, entries, offset, first }))
    storing.catch(() => undefined)
    this.#chunks.push(storing)
    while (this.#chunks.length - this.#settled > inFlight) await this.#chunks[this.#settled++]
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
