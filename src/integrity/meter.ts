/** A layer of zeros may become a thousand times larger; half a gigabyte of that is read before it is called a bomb. */
export const usualExpansion = 200
const mostExcessBytes = 512 * 1024 * 1024
/** Small documents are kept in memory until the end, as many of them are asked for; others are read again. */
const mostKeptBytes = 16 * 1024 * 1024
const largestKeptBytes = 64 * 1024
const knownBytes = 1024
const slots = { read: 0, excess: 1, kept: 2 } as const

/** What all threads of one check have read and kept, and what they have unpacked beyond what is usual. */
export class Meter {
  /** Hand it to another thread, for a Meter of the same counts. */
  readonly shared: SharedArrayBuffer
  readonly #counts: BigInt64Array
  readonly #isBounded: boolean

  /** `isBounded`: false for what is trusted, which may become as large as it likes. */
  constructor(shared = new SharedArrayBuffer(24), isBounded = true) {
    this.shared = shared
    this.#isBounded = isBounded
    this.#counts = new BigInt64Array(shared)
  }

  get readBytes(): number {
    return Number(Atomics.load(this.#counts, slots.read))
  }

  addRead(bytes: number): void {
    this.#add('read', bytes)
  }

  /** Whether there is room in memory for a document of that size, and what is known of it, which is then taken. */
  keeps(bytes: number): boolean {
    return bytes <= largestKeptBytes && this.#add('kept', bytes + knownBytes) <= mostKeptBytes
  }

  /** Watches one thing that is unpacked. */
  watch(): Expansion {
    return new Expansion(bytes => (this.#isBounded ? this.#add('excess', bytes) : 0))
  }

  /** The sum. */
  #add(what: keyof typeof slots, bytes: number): number {
    return Number(Atomics.add(this.#counts, slots[what], BigInt(bytes))) + bytes
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
