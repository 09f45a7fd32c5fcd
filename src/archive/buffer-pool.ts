import { types } from 'node:util'

/** Room for most chunks, so that any buffer fits any chunk and no new one is needed. What is never touched takes no memory. */
const roomForChunks = 8 * 1024 * 1024

/**
 * Buffers that are used again. A new one for every chunk would be paid twice: by the first touch of its memory, and by the
 * garbage collection of the whole heap that V8 starts each time some tens of megabytes of buffers have passed. Other threads may
 * work in their memory as well.
 */
export class BufferPool {
  readonly #mostSpareBytes: number
  readonly #roomBytes: number
  #spare: Buffer[] = []
  #spareBytes = 0

  /** Keeps about so many buffers while nobody uses them, each with room for most of what is asked for. */
  constructor(mostSpare: number, roomBytes = roomForChunks) {
    this.#mostSpareBytes = mostSpare * roomBytes
    this.#roomBytes = roomBytes
  }

  /** A buffer of exactly this length, with any content. */
  take(length: number): Buffer {
    const at = this.#spare.findIndex(each => each.length >= length)
    const [found] = at < 0 ? [] : this.#spare.splice(at, 1)
    this.#spareBytes -= found?.length ?? 0
    return (found ?? sharedBuffer(Math.max(this.#roomBytes, nextPowerOfTwo(length)))).subarray(0, length)
  }

  /** Takes back what take() gave. Nobody may use it any more. */
  giveBack({ buffer }: Buffer): void {
    const whole = Buffer.from(buffer)
    if (this.#spareBytes + whole.length > this.#mostSpareBytes) return
    this.#spareBytes += whole.length
    // The smallest that is large enough is taken first.
    const at = this.#spare.findIndex(each => each.length >= whole.length)
    this.#spare.splice(at < 0 ? this.#spare.length : at, 0, whole)
  }
}

/** Few sizes, so that a buffer fits again soon. */
function nextPowerOfTwo(length: number): number {
  return 2 ** Math.ceil(Math.log2(length))
}

/** Memory in which other threads may work as well. */
export function sharedBuffer(length: number): Buffer {
  return Buffer.from(new SharedArrayBuffer(length))
}

/** The same bytes in such memory: these themselves if they are. */
export function sharedCopy(bytes: Buffer): Buffer {
  if (types.isSharedArrayBuffer(bytes.buffer)) return bytes
  const copy = sharedBuffer(bytes.length)
  bytes.copy(copy)
  return copy
}
