import { hexOf } from './digest.ts'
import type { Digest } from './oci.ts'
import { RecordTable } from './record-table.ts'

/** Filled and used in one go. */
const key = Buffer.alloc(32)

/** A set of digests in 40 bytes each, where a Set of strings takes four times that. */
export class DigestSet {
  readonly #table = new RecordTable(32)

  get size(): number {
    return this.#table.size
  }

  /** False when it was there. */
  add(digest: Digest): boolean {
    key.write(hexOf(digest), 'hex')
    if (this.#table.has(key)) return false
    this.#table.set(key)
    return true
  }

  has(digest: Digest): boolean {
    key.write(hexOf(digest), 'hex')
    return this.#table.has(key)
  }

  /** By the 32 bytes themselves. */
  hasKey(bytes: Buffer): boolean {
    return this.#table.has(bytes)
  }
}
