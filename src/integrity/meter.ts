/** A layer of zeros may become a thousand times larger; half a gigabyte of that is read before it is called a bomb. */
export const usualExpansion = 200
const mostExcessBytes = 512 * 1024 * 1024

/** What all threads of one check have read, and what they have unpacked beyond what is usual. */
export class Meter {
  /** Hand it to another thread, for a Meter of the same counts. */
  readonly shared: SharedArrayBuffer
  readonly #counts: BigInt64Array

  constructor(shared = new SharedArrayBuffer(16)) {
    this.shared = shared
    this.#counts = new BigInt64Array(shared)
  }

  get readBytes(): number {
    return Number(Atomics.load(this.#counts, 0))
  }

  addRead(bytes: number): void {
    Atomics.add(this.#counts, 0, BigInt(bytes))
  }

  /** Watches one thing that is unpacked. */
  watch(): Expansion {
    return new Expansion(bytes => Number(Atomics.add(this.#counts, 1, BigInt(bytes))) + bytes)
  }
}

/** Tells when something becomes so large that it was made for that. */
export class Expansion {
  readonly #addExcess: (bytes: number) => number
  #plainBytes = 0
  #excessBytes = 0

  constructor(addExcess: (bytes: number) => number) {
    this.#addExcess = addExcess
  }

  /** `storedBytes` of it in all make that many bytes more. False when it is not to be read on. */
  add(storedBytes: number, plainBytes: number): boolean {
    this.#plainBytes += plainBytes
    const excess = Math.max(this.#excessBytes, this.#plainBytes - usualExpansion * storedBytes)
    const total = this.#addExcess(excess - this.#excessBytes)
    this.#excessBytes = excess
    return total <= mostExcessBytes
  }
}
