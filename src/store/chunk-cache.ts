import { appendFile, open } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'
import { writeFileAtomically } from '../files/atomic-file.ts'
import { chunkRecordBytes, isWholeChunkRecord } from './chunk-record.ts'
import { RecordTable } from './record-table.ts'

const magic = Buffer.from('drayage-chunks-1')
const readBytes = chunkRecordBytes * 16 * 1024

/**
 * The file drayage/cache/chunks: which plain chunk is in which blob. It only saves work: it may be missing, broken or name
 * blobs that are gone, and is never believed about a blob's presence. Runs append to it side by side.
 */
export class ChunkCache {
  readonly #path: string
  readonly #header: Buffer

  constructor(folder: string, repositoryId: string) {
    this.#path = join(folder, 'chunks')
    this.#header = Buffer.concat([magic, Buffer.from(repositoryId.replaceAll('-', ''), 'hex')])
  }

  /** Undefined when there is no file, or one that is not whole: it has to be built again. */
  async load(): Promise<RecordTable | undefined> {
    const file = await open(this.#path, 'r').catch((thrown: unknown) => {
      if (errnoOf(thrown) === 'ENOENT') return undefined
      throw fromSystemError(thrown, 'cannot read', this.#path)
    })
    if (file === undefined) return undefined
    try {
      const header = Buffer.alloc(this.#header.length)
      await file.read(header, 0, header.length, 0)
      if (!header.equals(this.#header)) return undefined
      const table = new RecordTable(chunkRecordBytes)
      const bytes = Buffer.allocUnsafeSlow(readBytes)
      for (let position = header.length; ;) {
        const length = await readFully(file, bytes, position)
        if (length === 0) return table
        if (length % chunkRecordBytes !== 0) return undefined
        for (let at = 0; at < length; at += chunkRecordBytes) {
          if (!isWholeChunkRecord(bytes, at)) return undefined
          table.set(bytes, at)
        }
        position += length
      }
    } finally {
      await file.close()
    }
  }

  async append(records: readonly Buffer[]): Promise<void> {
    if (records.length === 0) return
    try {
      await appendFile(this.#path, Buffer.concat(records), { mode: 0o600 })
    } catch (thrown) {
      throw fromSystemError(thrown, 'cannot write', this.#path)
    }
  }

  /** Replaces the file by the records for which `keep` says so. */
  async rewrite(table: RecordTable, keep: (record: Buffer) => boolean = () => true): Promise<void> {
    await writeFileAtomically(this.#path, async file => {
      await file.write(this.#header)
      let batch: Buffer[] = []
      for (const record of table.values()) {
        if (keep(record)) batch.push(record)
        if (batch.length < 16 * 1024) continue
        await file.writeFile(Buffer.concat(batch))
        batch = []
      }
      await file.writeFile(Buffer.concat(batch))
    })
  }
}

async function readFully(file: { read(bytes: Buffer, offset: number, length: number, position: number): Promise<{ bytesRead: number }> }, bytes: Buffer, position: number): Promise<number> {
  let length = 0
  while (length < bytes.length) {
    const { bytesRead } = await file.read(bytes, length, bytes.length - length, position + length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return length
}
