/**
 * Writes a stream as chunks, and takes over runs of bytes of an earlier stream ("the base") without reading them where the
 * cuts allow it. The chunks are the same as if every byte had been written.
 *
 * Why that holds: a cut depends on the bytes since the last cut only. So when nothing is pending, a base chunk that ended by
 * its content would be cut again at the same place, and one that was ended by force ends there again by force. Only the
 * base's last chunk may have ended because the stream did; and a chunk that is not taken whole has to be read and fed,
 * until a cut falls on an end of a base chunk again.
 */
import { BufferPool } from '../archive/buffer-pool.ts'
import { Chunker, type ChunkerParameters } from '../archive/chunker.ts'
import type { ChunkRef, ContentChunk } from './chunk-ref.ts'

/** What the writer needs of a ChunkStore. */
export type ChunkSink = {
  store(plain: Buffer): Promise<ChunkRef>
  read(ref: ChunkRef): Promise<Buffer>
  isPresent(ref: ChunkRef): Promise<boolean>
}

/** So many chunks of all writers are compressed and written at a time; of large ones fewer. Each writer may have one in any case. */
const inFlight = 5
const bytesInFlight = 8 * 1024 * 1024

/** Of all writers: what one of them leaves, the next takes. */
const pool = new BufferPool(inFlight + 7)
const flying = { chunks: 0, bytes: 0 }

export class ContentWriter {
  readonly #store: ChunkSink
  readonly #chunker: Chunker
  readonly #base: readonly ContentChunk[]
  /** Where each base chunk begins, and at last where the base ends. */
  readonly #starts: Float64Array
  readonly #chunks: Promise<ContentChunk>[] = []
  #settled = 0
  #reuse: { from: number; to: number } | undefined
  #position = 0
  #reusedBytes = 0

  constructor(store: ChunkSink, parameters: ChunkerParameters, base: readonly ContentChunk[] = []) {
    this.#store = store
    this.#chunker = new Chunker(parameters, length => pool.take(length))
    this.#base = base
    this.#starts = new Float64Array(base.length + 1)
    for (const [at, { length }] of base.entries()) this.#starts[at + 1] = (this.#starts[at] ?? 0) + length
  }

  /** Bytes of the stream so far. */
  get position(): number {
    return this.#position
  }

  /** Bytes that were taken over without being read. */
  get reusedBytes(): number {
    return this.#reusedBytes
  }

  /** The next bytes. They must not be changed before finish() or the end of their chunk. Waits while too many chunks are in flight. */
  async write(bytes: Buffer): Promise<void> {
    await this.#takeOver()
    this.#position += bytes.length
    await this.#feed(bytes)
  }

  /** Ends the chunk here. */
  async cut(): Promise<void> {
    await this.#takeOver()
    await this.#cut()
  }

  /** The bytes [from, to) of the base come next. Ranges that follow one another are taken as one. */
  async reuse(from: number, to: number): Promise<void> {
    const end = this.#starts[this.#base.length] ?? 0
    if (!(from >= 0 && from <= to && to <= end)) throw new RangeError(`the base has ${end} bytes, not ${from} to ${to}`)
    if (this.#reuse?.to !== from) await this.#takeOver()
    this.#reuse = { from: this.#reuse?.from ?? from, to }
    this.#position += to - from
  }

  /** All chunks of the stream, stored (durable after the store's flush). */
  async finish(): Promise<ContentChunk[]> {
    await this.#takeOver()
    const last = this.#chunker.cut()
    if (last) await this.#add(last, false)
    return Promise.all(this.#chunks)
  }

  async #takeOver(): Promise<void> {
    const range = this.#reuse
    this.#reuse = undefined
    if (range === undefined) return
    for (let at = range.from, number = this.#chunkAt(range.from); at < range.to; number++) {
      const chunk = this.#base[number]
      const start = this.#starts[number] ?? 0
      if (chunk === undefined) throw new RangeError(`the base has no byte ${at}`)
      const end = start + chunk.length
      const stop = Math.min(end, range.to)
      const endsByItself = chunk.forced || number < this.#base.length - 1
      const isWhole = at === start && stop === end && endsByItself && this.#chunker.pendingBytes === 0
      if (isWhole && (await this.#store.isPresent(chunk))) {
        this.#push(Promise.resolve(chunk))
        this.#reusedBytes += chunk.length
      } else {
        await this.#feed((await this.#store.read(chunk)).subarray(at - start, stop - start))
        if (chunk.forced && stop === end) await this.#cut()
      }
      at = stop
    }
  }

  async #feed(bytes: Buffer): Promise<void> {
    for (const plain of this.#chunker.push(bytes)) await this.#add(plain, false)
  }

  async #cut(): Promise<void> {
    const plain = this.#chunker.cut()
    if (plain) await this.#add(plain, true)
  }

  async #add(plain: Buffer, forced: boolean): Promise<void> {
    this.#push(this.#storeAndRelease(plain, forced))
    const isFull = (): boolean => this.#chunks.length - this.#settled > inFlight || flying.chunks > inFlight || flying.bytes > bytesInFlight
    while (this.#settled < this.#chunks.length && isFull()) await this.#chunks[this.#settled++]
  }

  async #storeAndRelease(plain: Buffer, forced: boolean): Promise<ContentChunk> {
    flying.chunks++
    flying.bytes += plain.length
    try {
      const ref = await this.#store.store(plain)
      pool.giveBack(plain)
      return { ...ref, forced }
    } finally {
      flying.chunks--
      flying.bytes -= plain.length
    }
  }

  #push(chunk: Promise<ContentChunk>): void {
    // A failure is thrown where it is awaited: by a later add() or by finish().
    chunk.catch(() => undefined)
    this.#chunks.push(chunk)
  }

  /** The number of the base chunk that holds byte `offset`. */
  #chunkAt(offset: number): number {
    let low = 0
    let high = this.#base.length
    while (low + 1 < high) {
      const middle = (low + high) >> 1
      if ((this.#starts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return low
  }
}
