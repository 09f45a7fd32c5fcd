import { DrayError } from '../errors/dray-error.ts'

/** A name or comment longer than this is not one. */
const maxHeaderBytes = 64 * 1024

export const gzipTrailerBytes = 8

/** The length of the gzip member header (RFC 1952) that `bytes` begin with; undefined when more bytes are needed. Throws `damaged`. */
export function gzipHeaderLength(bytes: Buffer): number | undefined {
  if (bytes.length < 10) return undefined
  const flags = bytes.readUInt8(3)
  if (bytes.readUInt16BE(0) !== 0x1f8b || bytes.readUInt8(2) !== 8 || (flags & 0xe0) !== 0) throw new DrayError('damaged', 'no gzip member begins where one should')
  let at = 10
  if (flags & 4) {
    if (bytes.length < at + 2) return undefined
    at += 2 + bytes.readUInt16LE(at)
  }
  for (const text of [8, 16]) {
    if ((flags & text) === 0) continue
    const end = bytes.indexOf(0, at)
    if (end < 0 && bytes.length > maxHeaderBytes) throw new DrayError('damaged', 'a gzip header does not end')
    if (end < 0) return undefined
    at = end + 1
  }
  if (flags & 2) at += 2
  return at <= bytes.length ? at : undefined
}

/** Throws `damaged` unless the trailer is that of a member with this content. */
export function checkGzipTrailer(trailer: Buffer, crc: number, contentBytes: number): void {
  if (trailer.length < gzipTrailerBytes) throw new DrayError('damaged', 'gzip data is cut')
  if (trailer.readUInt32LE(0) !== crc >>> 0) throw new DrayError('damaged', 'gzip data does not have its checksum')
  if (trailer.readUInt32LE(4) !== contentBytes % 2 ** 32) throw new DrayError('damaged', 'gzip data does not have its length')
}
