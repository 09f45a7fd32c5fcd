import { hexOf } from '../store/digest.ts'
import type { Digest } from '../store/oci.ts'
import { RecordTable } from '../store/record-table.ts'

const kinds = ['document', 'toc', 'chunk', 'layer'] as const
const states = ['unchecked', 'sound', 'bad'] as const

/** `document`: index, manifest or config. Layers are everything else of images, and what other programs stored. */
export type BlobKind = (typeof kinds)[number]
export type BlobState = (typeof states)[number]
export type TableEntry = { readonly digest: Digest; readonly size: number; readonly kind: BlobKind; readonly state: BlobState }

/** digest 32, size 6, kind 1, state 1. */
const recordBytes = 40
const sizeAt = 32
const kindAt = 38
const stateAt = 39

/** Every blob that is referred to, once, in some 50 bytes of memory. */
export class BlobTable {
  readonly #records = new RecordTable(recordBytes)
  #badOnes = 0

  get count(): number {
    return this.#records.size
  }

  get badOnes(): number {
    return this.#badOnes
  }

  /** The entry that was there before, if any: it is not changed. */
  add({ digest, size }: { readonly digest: Digest; readonly size: number }, kind: BlobKind): TableEntry | undefined {
    const before = this.get(digest)
    if (before !== undefined) return before
    const record = Buffer.alloc(recordBytes)
    record.write(hexOf(digest), 0, 'hex')
    record.writeUIntBE(Math.min(size, 2 ** 48 - 1), sizeAt, 6)
    record[kindAt] = kinds.indexOf(kind)
    this.#records.set(record)
    return undefined
  }

  get(digest: Digest): TableEntry | undefined {
    const record = this.#records.get(Buffer.from(hexOf(digest), 'hex'))
    return record === undefined ? undefined : toEntry(record)
  }

  isBad(digest: Digest): boolean {
    return this.get(digest)?.state === 'bad'
  }

  mark(digest: Digest, state: BlobState): void {
    const record = this.#records.get(Buffer.from(hexOf(digest), 'hex'))
    if (record === undefined) throw new RangeError(`no blob "${digest}" in the table`)
    if (state === 'bad' && record[stateAt] !== states.indexOf('bad')) this.#badOnes++
    record[stateAt] = states.indexOf(state)
  }

  *entries(): Generator<TableEntry> {
    for (const record of this.#records.values()) yield toEntry(record)
  }
}

function toEntry(record: Buffer): TableEntry {
  return { digest: `sha256:${record.toString('hex', 0, 32)}`, size: record.readUIntBE(sizeAt, 6), kind: kinds[record[kindAt] ?? 0] ?? 'layer', state: states[record[stateAt] ?? 0] ?? 'unchecked' }
}
