import { hexOf } from './digest.ts'
import type { Digest } from './oci.ts'
import { RecordTable } from './record-table.ts'

/** A set of digests in 40 bytes each, where a Set of strings takes four times that. */
export class DigestSet {
  readonly #table = new RecordTable(32)

  get size(): number {
    return this.#table.size
  }

  /** False when it was there. */
  add(digest: Digest): boolean {
    const key = Buffer.from(hexOf(digest), 'hex')
    if (this.#table.has(key)) return false
    this.#table.set(key)
    return true
  }

  has(digest: Digest): boolean {
    return this.#table.has(Buffer.from(hexOf(digest), 'hex'))
  }

  /** By the 32 bytes themselves. */
  hasKey(key: Buffer): boolean {
    return this.#table.has(key)
  }
}
