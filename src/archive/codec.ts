import { crc32, gzip, gzipSync, inflateRawSync, type ZlibOptions } from 'node:zlib'
import { DrayError } from '../errors/dray-error.ts'
import { checkGzipTrailer, gzipHeaderLength, gzipTrailerBytes } from './gzip-member.ts'
import { decodeWithSystem } from './system-decoder.ts'
import { isIncompressible, storedFrame } from './stored-frame.ts'
import { zstdFrames, type ZstdFrame } from './zstd-frame.ts'
import { nativeZstd, zlibWithZstd } from './zstd.ts'

export type Codec = 'zstd' | 'gzip'
export const compressions = ['none', 'gzip', 'bzip2', 'xz', 'zstd'] as const
export type Compression = (typeof compressions)[number]

/** A fifth less work than level 3 (zstd's own default) for 4 % more bytes: a first backup waits for nothing else as long. */
const zstdLevel = 2
const gzipLevel = 1
/** One turn on the thread pool for most chunks; smaller output buffers keep the pool waiting for the main thread. */
const outputBytes = 1024 * 1024
/** Windows up to this size are allowed for any content, as the format asks of every decoder. */
const usualWindowBytes = 8 * 1024 * 1024

/** The better one of those that can be written here. */
export function availableCodec(): Codec {
  return zlibWithZstd() !== undefined || nativeZstd() !== undefined ? 'zstd' : 'gzip'
}

/** One zstd frame or one gzip member, made by the thread that calls. */
export function compressFrame(plain: Buffer, codec: Codec): Buffer {
  if (codec === 'gzip') return gzipSync(plain, { level: gzipLevel, chunkSize: outputBytes })
  // First the package: with Node.js 26's own a backup takes 55 MB more, for the output of each chunk lies in its heap.
  const native = nativeZstd()
  if (native) return new native.Encoder(zstdLevel).encodeSync(plain)
  const own = zlibWithZstd()
  if (!own) throw new DrayError('io-failed', 'zstd cannot be written here', { hints: ['run dray with Node.js 22.15 or newer'] })
  return own.zstdCompressSync(plain, { chunkSize: mostZstdBytes(plain.length), pledgedSrcSize: plain.length, params: { [own.constants.ZSTD_c_compressionLevel]: zstdLevel } })
}

/** The same in pieces. What would not get smaller is in a zstd frame as it is: no work, and the memory of `plain` itself. */
export function framePieces(plain: Buffer, codec: Codec): readonly Buffer[] {
  const isStored = codec === 'zstd' && isIncompressible(plain, sample => compressFrame(sample, codec).length)
  return isStored ? storedFrame(plain) : [compressFrame(plain, codec)]
}

/** One gzip member, made on the thread pool: several calls run side by side. `plain` must not be changed before the promise settles. */
export function gzipMember(plain: Buffer, level: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    gzip(plain, { level, chunkSize: outputBytes }, (error, result) => {
      if (error) reject(error)
      else resolve(result)
    })
  })
}

/**
 * The content of one gzip member or of zstd frames, told apart by magic number, decoded by the thread that calls. Throws
 * `damaged` when they are not whole and alone, fail their checksum, or hold more than `maxBytes`, without allocating much more
 * than that. What was not compressed is put into `into`, where it fits.
 */
export async function decompressFrame(stored: Buffer, maxBytes: number, into?: Buffer): Promise<Buffer> {
  const compression = compressionOf(stored)
  if (compression === 'gzip') return gunzipMember(stored, maxBytes)
  if (compression === 'zstd') return unzstd(stored, maxBytes, into)
  throw new DrayError('damaged', 'what should be a compressed chunk is neither zstd nor gzip')
}

/** By the magic number at the start; six bytes are enough. */
export function compressionOf(first: Buffer): Compression {
  const begins = (...magic: number[]) => first.length >= magic.length && magic.every((byte, i) => first[i] === byte)
  if (begins(0x1f, 0x8b)) return 'gzip'
  if (begins(0x42, 0x5a, 0x68)) return 'bzip2'
  if (begins(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)) return 'xz'
  if (begins(0x28, 0xb5, 0x2f, 0xfd)) return 'zstd'
  const skippable = first.length >= 4 && (first.readUInt32LE(0) & ~15) >>> 0 === 0x184d2a50
  return skippable ? 'zstd' : 'none'
}

/** Room for all of it: one turn on the thread pool and one buffer, nothing to be joined. */
function mostZstdBytes(plainBytes: number): number {
  return plainBytes + (plainBytes >> 8) + 1024
}

function gunzipMember(stored: Buffer, maxBytes: number): Buffer {
  const start = gzipHeaderLength(stored)
  if (start === undefined) throw new DrayError('damaged', 'gzip data is cut')
  const { buffer: plain, engine } = inflate(stored.subarray(start), maxBytes)
  if (plain.length > maxBytes) throw tooLarge('gzip', maxBytes)
  const trailer = stored.subarray(start + engine.bytesWritten)
  checkGzipTrailer(trailer, crc32(plain), plain.length)
  if (trailer.length > gzipTrailerBytes) throw new DrayError('damaged', `gzip data is followed by ${trailer.length - gzipTrailerBytes} more bytes`)
  return plain
}

function inflate(deflated: Buffer, maxBytes: number): { buffer: Buffer; engine: { bytesWritten: number } } {
  const options: ZlibOptions = { info: true, maxOutputLength: Math.max(1, maxBytes), chunkSize: Math.max(64, Math.min(maxBytes, outputBytes)) }
  try {
    return inflateRawSync(deflated, options) as never
  } catch (error) {
    throw damagedBy(error, 'gzip', maxBytes)
  }
}

async function unzstd(stored: Buffer, maxBytes: number, into: Buffer | undefined): Promise<Buffer> {
  const plain: Buffer[] = []
  let left = maxBytes
  const frames = zstdFrames(stored)
  if (into !== undefined && frames.length === 1 && frames[0]?.stored !== undefined) return joined(frames[0].stored, into, maxBytes)
  for (const frame of frames) {
    if ((frame.contentBytes ?? 0) > left) throw tooLarge('zstd', maxBytes)
    if (frame.windowBytes > Math.max(maxBytes, usualWindowBytes)) throw new DrayError('damaged', `zstd data asks for ${frame.windowBytes} bytes of memory`)
    const content = await unzstdFrame(frame, left)
    left -= content.length
    plain.push(content)
  }
  return plain.length === 1 && plain[0] ? plain[0] : Buffer.concat(plain)
}

async function unzstdFrame({ bytes, contentBytes, mostBytes }: ZstdFrame, maxBytes: number): Promise<Buffer> {
  const own = zlibWithZstd()
  const native = nativeZstd()
  try {
    // The package takes no limit: it may see only what cannot become much more than that. It is first for its memory, as above.
    if (native && mostBytes <= 2 * maxBytes + outputBytes) return atMost(maxBytes, new native.Decoder().decodeSync(bytes))
    if (own) {
      // one buffer for all of it as a rule; one that is just full would ask for another
      const options = { maxOutputLength: Math.max(1, maxBytes), chunkSize: Math.max(64, Math.min(contentBytes ?? maxBytes, usualWindowBytes) + 1) }
      return atMost(maxBytes, own.zstdDecompressSync(bytes, options))
    }
  } catch (error) {
    throw damagedBy(error, 'zstd', maxBytes)
  }
  return unzstdBounded(bytes, maxBytes)
}

function joined(pieces: readonly Buffer[], into: Buffer, maxBytes: number): Buffer {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  if (length > maxBytes) throw tooLarge('zstd', maxBytes)
  if (length > into.length) return Buffer.concat(pieces)
  let at = 0
  for (const piece of pieces) at += piece.copy(into, at)
  return into.subarray(0, length)
}

async function unzstdBounded(bytes: Buffer, maxBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  let plainBytes = 0
  for await (const piece of decodeWithSystem('zstd', [bytes])) {
    plainBytes += piece.length
    if (plainBytes > maxBytes) throw tooLarge('zstd', maxBytes)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

function atMost(maxBytes: number, plain: Buffer): Buffer {
  if (plain.length > maxBytes) throw tooLarge('zstd', maxBytes)
  return plain
}

function tooLarge(format: string, maxBytes: number): DrayError {
  return new DrayError('damaged', `${format} data holds more than the expected ${maxBytes} bytes`)
}

function damagedBy(error: unknown, format: string, maxBytes: number): DrayError {
  if (error instanceof DrayError) return error
  const { code, message } = error as NodeJS.ErrnoException
  return code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(format, maxBytes) : new DrayError('damaged', `${format} data is damaged: ${message}`, { cause: error })
}
