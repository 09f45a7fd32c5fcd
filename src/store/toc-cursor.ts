import { BufferPool } from '../archive/buffer-pool.ts'
import { plainChunks, type ChunkSource } from './content-reader.ts'
import type { Toc, TocChunk } from './mount-manifest.ts'
import { decodeTocLine, type TocEntry } from './toc-entry.ts'
import { assertEntries } from './toc.ts'

const readAhead = 2
/** A table's chunks have about a quarter of this. */
const roomBytes = 1024 * 1024
const quote = 0x22
const backslash = 0x5c
const newline = 0x0a
const lineStart = '{"p":"'

/**
 * Steps through a table of contents line by line, each as it is stored: decoded only where its entry is asked for. In a night
 * without changes a million lines are compared and taken over, and none is decoded. What it gives is there until the next step.
 */
export class TocCursor {
  readonly #chunks: readonly TocChunk[]
  readonly #texts: AsyncGenerator<Buffer>
  #number = -1
  #text: Buffer = Buffer.alloc(0)
  #linesLeft = 0
  #start = 0
  #end = 0

  private constructor(source: ChunkSource, chunks: readonly TocChunk[]) {
    this.#chunks = chunks
    this.#texts = plainChunks(source, chunks, { pool: new BufferPool(readAhead + 2, roomBytes), readAhead })
  }

  /** Stands at the first line. Without a table it is at the end. */
  static async open(source: ChunkSource, toc: Toc | undefined): Promise<TocCursor> {
    const cursor = new TocCursor(source, toc?.chunks ?? [])
    await cursor.step()
    return cursor
  }

  get isAtEnd(): boolean {
    return this.#number >= this.#chunks.length
  }

  /** With its end. */
  get line(): Buffer {
    return this.#text.subarray(this.#start, this.#end)
  }

  get path(): Buffer {
    return this.#plainPath() ?? this.entry.path
  }

  /** Throws `damaged`. */
  get entry(): TocEntry {
    return decodeTocLine(this.#text.toString('utf8', this.#start, this.#end), 0)
  }

  /** The length of its record in the stream. */
  get recordBytes(): number {
    return this.#plainRecordBytes() ?? this.entry.bytes
  }

  /** True when the line says exactly this: `facts` is factsText() of an entry. Names that JSON or base64 write in other bytes are never said to be the same. */
  says(path: Buffer, facts: string): boolean {
    const from = this.#start + lineStart.length
    const to = from + path.length
    const end = to + 1 + facts.length
    return (
      end < this.#end &&
      this.#text[to] === quote && this.#text[end] === 0x2c &&
      this.#text.toString('latin1', to + 1, end) === facts &&
      this.#text.compare(path, 0, path.length, from, to) === 0 &&
      this.#text.toString('latin1', this.#start, from) === lineStart &&
      !path.includes(backslash) && !path.includes(quote)
    )
  }

  /** To the next line. Within a chunk it is there at once; else once the promise is resolved. Throws or rejects with `damaged`. */
  step(): Promise<void> | undefined {
    this.#start = this.#end
    if (this.#start >= this.#text.length) return this.#nextChunk()
    const found = this.#text.indexOf(newline, this.#start)
    this.#end = found < 0 ? this.#text.length : found + 1
    this.#linesLeft--
    if (this.#linesLeft < 0) this.#assertLines()
    return undefined
  }

  async #nextChunk(): Promise<void> {
    if (this.#linesLeft !== 0) this.#assertLines()
    const next = await this.#texts.next()
    this.#number = next.done === true ? this.#chunks.length : this.#number + 1
    this.#text = next.done === true ? Buffer.alloc(0) : next.value
    this.#start = this.#end = 0
    this.#linesLeft = this.#chunks[this.#number]?.entries ?? 0
    if (next.done !== true) await this.step()
  }

  #assertLines(): void {
    const chunk = this.#chunks[this.#number]
    assertEntries(chunk, (chunk?.entries ?? 0) - this.#linesLeft)
  }

  #plainPath(): Buffer | undefined {
    const from = this.#start + lineStart.length
    if (this.#text.toString('latin1', this.#start, from) !== lineStart) return undefined
    const to = this.#text.indexOf(quote, from)
    const path = this.#text.subarray(from, to)
    return to < 0 || to > this.#end || path.includes(backslash) ? undefined : path
  }

  /** The line ends with `,"n":RECORD,"h":HEADER}`. */
  #plainRecordBytes(): number | undefined {
    const tail = this.#text.toString('latin1', Math.max(this.#start, this.#end - 48), this.#end)
    const at = tail.lastIndexOf(',"n":')
    const to = tail.indexOf(',"h":', at)
    const bytes = at < 0 || to < 0 ? NaN : Number(tail.slice(at + 5, to))
    return Number.isSafeInteger(bytes) ? bytes : undefined
  }
}
