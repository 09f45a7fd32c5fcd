const keyBytes = 32
const segmentRecords = 1 << 16
const emptySlot = 0
/** Nobody who chooses names can choose them so that all want one slot. */
const multipliers = Uint32Array.from({ length: keyBytes / 4 }, () => Math.floor(Math.random() * 2 ** 31) * 2 + 1)

/**
 * A hash table from 32-byte digests to records of a fixed length that begin with them: one million 76-byte records take
 * 85 MB, a Map of objects five times that.
 */
export class RecordTable {
  readonly #recordBytes: number
  readonly #segments: Buffer[] = []
  #count = 0
  #slots = new Uint32Array(1 << 12)
  readonly #mostLoad: number

  /** `mostLoad`, below 1: how full of slots it may be. Near 1 they take half as much memory, and a search some hundred steps. */
  constructor(recordBytes: number, { mostLoad = 0.75 }: { readonly mostLoad?: number } = {}) {
    this.#recordBytes = recordBytes
    this.#mostLoad = mostLoad
  }

  get size(): number {
    return this.#count
  }

  /** A view, valid until the record is replaced. `key` may be longer than a digest: its first 32 bytes count. */
  get(key: Buffer): Buffer | undefined {
    const number = this.#slots[this.#slotOf(key)] ?? emptySlot
    return number === emptySlot ? undefined : this.#record(number - 1)
  }

  has(key: Buffer): boolean {
    return this.#slots[this.#slotOf(key)] !== emptySlot
  }

  /** Copies the record that begins at `at` of the bytes in; one with the same key is replaced. */
  set(bytes: Buffer, at = 0): void {
    const slot = this.#slotOf(bytes, at)
    const number = this.#slots[slot] ?? emptySlot
    if (number !== emptySlot) {
      this.#copy(bytes, at, number - 1)
      return
    }
    if (this.#count % segmentRecords === 0) this.#segments.push(Buffer.allocUnsafeSlow(segmentRecords * this.#recordBytes))
    this.#copy(bytes, at, this.#count)
    this.#slots[slot] = ++this.#count
    if (this.#count > this.#slots.length * this.#mostLoad) this.#grow()
  }

  *values(): Generator<Buffer> {
    for (let number = 0; number < this.#count; number++) yield this.#record(number)
  }

  #record(number: number): Buffer {
    const segment = this.#segments[Math.floor(number / segmentRecords)]
    const start = (number % segmentRecords) * this.#recordBytes
    if (segment === undefined) throw new RangeError(`no record ${number}`)
    return segment.subarray(start, start + this.#recordBytes)
  }

  #copy(bytes: Buffer, at: number, number: number): void {
    const segment = this.#segments[Math.floor(number / segmentRecords)]
    if (segment) bytes.copy(segment, (number % segmentRecords) * this.#recordBytes, at, at + this.#recordBytes)
  }

  /** The slot that holds the key, or the empty one where it belongs. */
  #slotOf(bytes: Buffer, at = 0): number {
    const mask = this.#slots.length - 1
    let slot = hashOf(bytes, at) & mask
    for (;;) {
      const number = this.#slots[slot] ?? emptySlot
      if (number === emptySlot || this.#hasKey(number - 1, bytes, at)) return slot
      slot = (slot + 1) & mask
    }
  }

  #hasKey(number: number, bytes: Buffer, at: number): boolean {
    const segment = this.#segments[Math.floor(number / segmentRecords)]
    const start = (number % segmentRecords) * this.#recordBytes
    return segment?.compare(bytes, at, at + keyBytes, start, start + keyBytes) === 0
  }

  #grow(): void {
    const slots = new Uint32Array(this.#slots.length * 2)
    const mask = slots.length - 1
    for (let number = 0; number < this.#count; number++) {
      let slot = hashOf(this.#record(number), 0) & mask
      while (slots[slot] !== emptySlot) slot = (slot + 1) & mask
      slots[slot] = number + 1
    }
    this.#slots = slots
  }
}

function hashOf(bytes: Buffer, at: number): number {
  let hash = 0
  for (let word = 0; word < multipliers.length; word++) {
    hash = Math.imul(hash ^ bytes.readUInt32LE(at + 4 * word), multipliers[word] ?? 1)
    hash ^= hash >>> 15
  }
  return hash
}
