import { deflateRawSync, inflateRawSync } from 'node:zlib'

const batchBytes = 256 * 1024
const nul = Buffer.alloc(1)

/**
 * Records of bytes without a NUL, in order, compressed in memory: a listing takes less than 40 bytes an entry.
 * May be walked as often as wanted, but not while records are added.
 */
export class PackedRecords {
  private readonly packed: { readonly deflated: Buffer; readonly bytes: number }[] = []
  private open: Buffer[] = []
  private openBytes = 0
  /** Bytes of all records, each with a NUL after it. */
  bytes = 0
  records = 0

  /** Keeps the record itself until the batch is full: it must not change. */
  add(record: Buffer): void {
    this.open.push(record, nul)
    this.openBytes += record.length + 1
    this.bytes += record.length + 1
    this.records++
    if (this.openBytes >= batchBytes) this.pack()
  }

  /** Everything, each record with its NUL, in parts of whole records. */
  *parts(): Generator<Buffer> {
    for (const { deflated, bytes } of this.packed) yield inflateRawSync(deflated, { maxOutputLength: bytes })
    if (this.open.length > 0) yield Buffer.concat(this.open)
  }

  *batches(): Generator<Buffer[]> {
    for (const part of this.parts()) {
      const records: Buffer[] = []
      for (let start = 0, end = part.indexOf(0); end !== -1; start = end + 1, end = part.indexOf(0, start)) records.push(part.subarray(start, end))
      yield records
    }
  }

  private pack(): void {
    this.packed.push({ deflated: deflateRawSync(Buffer.concat(this.open), { level: 1 }), bytes: this.openBytes })
    this.open = []
    this.openBytes = 0
  }
}
