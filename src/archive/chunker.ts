import { createHash } from 'node:crypto'
import { DrayError } from '../errors/dray-error.ts'

/** Belongs to the repository: other parameters cut elsewhere, and nothing is recognised again. */
export type ChunkerParameters = {
  readonly minBytes: number
  readonly averageBytes: number
  readonly maxBytes: number
  readonly seed: string
}

export const defaultChunkerParameters: ChunkerParameters = {
  minBytes: 512 * 1024,
  averageBytes: 2 * 1024 * 1024,
  maxBytes: 8 * 1024 * 1024,
  seed: 'drayage',
}

/** Every step shifts the 32-bit hash by one, so a byte has left it after this many more. */
const windowBytes = 32

/** Entry i is the first four bytes, big-endian, of the sha256 of `<seed>:<i in decimal>` in UTF-8. */
export function gearTable(seed: string): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, i) => createHash('sha256').update(`${seed}:${i}`).digest().readUInt32BE(0))
}

/**
 * Cuts a stream of bytes where its content says so: equal runs of bytes become equal chunks wherever they lie.
 *
 * With hash(0) = 0 and hash = (2 * hash + gear[byte]) mod 2^32, a chunk ends at the first length from minBytes on at which
 * the hash of its last 32 bytes is below 2^32 / (averageBytes - minBytes), and at maxBytes at the latest. So a cut depends
 * on the bytes since the last cut only, not on how they were pushed.
 */
export class Chunker {
  readonly #minBytes: number
  readonly #maxBytes: number
  readonly #threshold: number
  readonly #gear: Uint32Array
  readonly #allocate: (length: number) => Buffer
  #pieces: Buffer[] = []
  #pendingBytes = 0
  #hash = 0

  /** `allocate` gives the memory of each chunk. */
  constructor({ minBytes, averageBytes, maxBytes, seed }: ChunkerParameters = defaultChunkerParameters, allocate: (length: number) => Buffer = length => Buffer.allocUnsafeSlow(length)) {
    const sane = [minBytes, averageBytes, maxBytes].every(Number.isSafeInteger) && minBytes >= windowBytes && averageBytes > minBytes && maxBytes > averageBytes && maxBytes <= 2 ** 30
    if (!sane) throw new DrayError('damaged', `chunk sizes "${minBytes}, ${averageBytes}, ${maxBytes}" are not an ascending minimum, average and maximum`)
    this.#minBytes = minBytes
    this.#maxBytes = maxBytes
    this.#threshold = Math.floor(2 ** 32 / (averageBytes - minBytes))
    this.#gear = gearTable(seed)
    this.#allocate = allocate
  }

  /** Bytes of the chunk that has begun and not ended. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /**
   * Takes more bytes and returns the chunks that they complete, each a buffer of its own. `bytes` must not be changed
   * before the chunk that holds them is returned: they are copied once, then.
   */
  push(bytes: Buffer): Buffer[] {
    const chunks: Buffer[] = []
    let rest = bytes
    while (rest.length > 0) {
      const end = this.#findCut(rest)
      if (end === 0) {
        this.#append(rest)
        break
      }
      this.#append(rest.subarray(0, end))
      chunks.push(this.#take())
      rest = rest.subarray(end)
    }
    return chunks
  }

  /** Ends the current chunk here, whatever its length, and returns it; undefined if it has no bytes. */
  cut(): Buffer | undefined {
    return this.#pendingBytes === 0 ? undefined : this.#take()
  }

  #append(piece: Buffer): void {
    this.#pieces.push(piece)
    this.#pendingBytes += piece.length
  }

  #take(): Buffer {
    const chunk = this.#allocate(this.#pendingBytes)
    let offset = 0
    for (const piece of this.#pieces) offset += piece.copy(chunk, offset)
    this.#pieces = []
    this.#pendingBytes = 0
    this.#hash = 0
    return chunk
  }

  /** The number of bytes of `bytes` up to the end of the current chunk, or 0 if it goes on. */
  #findCut(bytes: Buffer): number {
    const pending = this.#pendingBytes
    const end = Math.min(bytes.length, this.#maxBytes - pending)
    const firstCheck = Math.min(end, Math.max(0, this.#minBytes - 1 - pending))
    const gear = this.#gear
    const threshold = this.#threshold
    let hash = this.#hash
    let at = Math.min(end, Math.max(0, this.#minBytes - windowBytes - pending))
    for (; at < firstCheck; at++) hash = ((hash << 1) + (gear[bytes[at] ?? 0] ?? 0)) | 0
    while (at + 8 <= end) {
      hash = ((hash << 1) + (gear[bytes[at++] ?? 0] ?? 0)) | 0
      if (hash >>> 0 < threshold) return at
      hash = ((hash << 1) + (gear[bytes[at++] ?? 0] ?? 0)) | 0
      if (hash >>> 0 < threshold) return at
      hash = ((hash << 1) + (gear[bytes[at++] ?? 0] ?? 0)) | 0
      if (hash >>> 0 < threshold) return at
      hash = ((hash << 1) + (gear[bytes[at++] ?? 0] ?? 0)) | 0
      if (hash >>> 0 < threshold) return at
      hash = ((hash << 1) + (gear[bytes[at++] ?? 0] ?? 0)) | 0
      if (hash >>> 0 < threshold) return at
      hash = ((hash << 1) + (gear[bytes[at++] ?? 0] ?? 0)) | 0
      if (hash >>> 0 < threshold) return at
      hash = ((hash << 1) + (gear[bytes[at++] ?? 0] ?? 0)) | 0
      if (hash >>> 0 < threshold) return at
      hash = ((hash << 1) + (gear[bytes[at++] ?? 0] ?? 0)) | 0
      if (hash >>> 0 < threshold) return at
    }
    while (at < end) {
      hash = ((hash << 1) + (gear[bytes[at++] ?? 0] ?? 0)) | 0
      if (hash >>> 0 < threshold) return at
    }
    this.#hash = hash
    return pending + end === this.#maxBytes ? end : 0
  }
}
