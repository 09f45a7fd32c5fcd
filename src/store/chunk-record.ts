import type { ChunkRef } from './chunk-ref.ts'

/** key 32, digest 32, length 4, codec and size 4, checksum 4: all numbers big-endian. The first bit of the size is 1 for gzip. */
export const chunkRecordBytes = 76
const checkedBytes = chunkRecordBytes - 4
const gzipBit = 0x80000000

export function encodeChunkRecord({ key, digest, length, size, codec }: ChunkRef): Buffer {
  const record = Buffer.allocUnsafe(chunkRecordBytes)
  record.write(key, 0, 'hex')
  record.write(digest.slice('sha256:'.length), 32, 'hex')
  record.writeUInt32BE(length, 64)
  record.writeUInt32BE(codec === 'gzip' ? (size | gzipBit) >>> 0 : size, 68)
  record.writeUInt32BE(fnv1a(record, 0, checkedBytes), checkedBytes)
  return record
}

export function decodeChunkRecord(record: Buffer): ChunkRef {
  const size = record.readUInt32BE(68)
  return {
    key: record.toString('hex', 0, 32),
    digest: `sha256:${record.toString('hex', 32, 64)}`,
    length: record.readUInt32BE(64),
    size: (size & ~gzipBit) >>> 0,
    codec: size >= gzipBit ? 'gzip' : 'zstd',
  }
}

export function isWholeChunkRecord(bytes: Buffer, offset: number): boolean {
  return bytes.readUInt32BE(offset + checkedBytes) === fnv1a(bytes, offset, offset + checkedBytes)
}

/** FNV-1a, 32 bits. */
export function fnv1a(bytes: Buffer, start: number, end: number): number {
  let hash = 0x811c9dc5
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193)
  return hash >>> 0
}
