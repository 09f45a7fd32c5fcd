import { hexOf } from './digest.ts'
import type { Digest } from './oci.ts'
import { RecordTable } from './record-table.ts'

const keyBytes = 32
const sizeBytes = 6
/** Filled and copied in one go. */
const record = Buffer.alloc(keyBytes + sizeBytes)

/** Digests with the sizes of their blobs, in about 45 bytes each. */
export class SizedDigests {
  readonly #table = new RecordTable(keyBytes + sizeBytes)

  get size(): number {
    return this.#table.size
  }

  add(digest: Digest, bytes: number): void {
    record.write(hexOf(digest), 'hex')
    record.writeUIntBE(bytes, keyBytes, sizeBytes)
    this.#table.set(record)
  }

  *entries(): Generator<{ readonly digest: Digest; readonly bytes: number }> {
    for (const each of this.#table.values()) yield { digest: `sha256:${each.toString('hex', 0, keyBytes)}`, bytes: each.readUIntBE(keyBytes, sizeBytes) }
  }
}
