const leastBytes = 256 * 1024

/**
 * Buffers that are used again. A new one for every chunk would be paid twice: by the first touch of its memory, and by the
 * garbage collection of the whole heap that V8 starts each time some tens of megabytes of buffers have passed.
 */
export class BufferPool {
  readonly #mostSpareBytes: number
  #spare: Buffer[] = []
  #spareBytes = 0

  constructor(mostSpareBytes: number) {
    this.#mostSpareBytes = mostSpareBytes
  }

  /** A buffer of exactly this length, with any content. */
  take(length: number): Buffer {
    const at = this.#spare.findIndex(each => each.length >= length)
    const [found] = at < 0 ? [] : this.#spare.splice(at, 1)
    this.#spareBytes -= found?.length ?? 0
    return (found ?? Buffer.allocUnsafeSlow(capacityFor(length))).subarray(0, length)
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
function capacityFor(length: number): number {
  return Math.max(leastBytes, 2 ** Math.ceil(Math.log2(length)))
}
