import { Duplex, PassThrough } from 'node:stream'
import { crc32, createInflateRaw } from 'node:zlib'
import { DrayError } from '../errors/dray-error.ts'
import { ByteSource } from './byte-source.ts'
import { compressionOf, type Compression } from './codec.ts'
import { checkGzipTrailer, gzipHeaderLength, gzipTrailerBytes } from './gzip-member.ts'
import { closeIterator, pushNext } from './iterated-stream.ts'
import { decodeWithSystem } from './system-decoder.ts'
import { nextZstdFrame } from './zstd-frame.ts'
import { zlibWithZstd, type ZlibWithZstd } from './zstd.ts'

const outputBytes = 128 * 1024
const magicBytes = 6
const mostWindowBytes = 16 * 1024 * 1024

/** What both zlib's and zstd's decoders of node:zlib are. */
type Decoder = Duplex & { readonly bytesWritten: number }

/**
 * Decodes a whole stream: any number of gzip members or zstd frames. Data that is cut, fails a checksum or is followed by
 * anything else, zeros too (but xz's own padding), is `damaged`. xz and bzip2, and zstd before Node.js 22.15, need the system's program.
 */
export function decompressStream(kind: Exclude<Compression, 'none'>): Duplex {
  const stored = new PassThrough()
  const plain = decompress(kind, stored)
  return new Duplex({
    write: (bytes: Buffer, encoding, done) => stored.write(bytes, encoding, done),
    final: done => stored.end(done),
    read() {
      void pushNext(this, plain)
    },
    destroy(error, done) {
      stored.destroy()
      void closeIterator(plain).then(() => done(error))
    },
  })
}

/** The same as a loop, which closes the source when it is left. */
export function decompress(kind: Exclude<Compression, 'none'>, source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (kind === 'gzip') return gunzip(source)
  const own = zlibWithZstd()
  return kind === 'zstd' && own ? unzstd(own, source) : decodeWithSystem(kind, source)
}

/** Tells the compression by the magic number; `bytes` is the source again, from its beginning. */
export async function detectCompression(source: AsyncIterable<Buffer>): Promise<{ readonly compression: Compression; readonly bytes: AsyncIterable<Buffer> }> {
  const input = new ByteSource(source)
  const first = await input.nextAtLeast(magicBytes)
  input.giveBack(first)
  return { compression: compressionOf(first), bytes: input.rest() }
}

async function* gunzip(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const input = new ByteSource(source)
  try {
    do {
      await skipGzipHeader(input)
      let crc = 0
      let contentBytes = 0
      for await (const piece of decodeWith(createInflateRaw({ chunkSize: outputBytes }), input, 'gzip')) {
        crc = crc32(piece, crc)
        contentBytes += piece.length
        yield piece
      }
      const trailer = await input.nextAtLeast(gzipTrailerBytes)
      checkGzipTrailer(trailer, crc, contentBytes)
      input.giveBack(trailer.subarray(gzipTrailerBytes))
    } while (!(await input.hasEnded()))
  } finally {
    await input.close()
  }
}

async function skipGzipHeader(input: ByteSource): Promise<void> {
  let head = await input.nextAtLeast(1)
  for (let length = gzipHeaderLength(head); ; length = gzipHeaderLength(head)) {
    if (length !== undefined) {
      input.giveBack(head.subarray(length))
      return
    }
    const more = await input.next()
    if (!more) throw new DrayError('damaged', 'gzip data is cut')
    head = Buffer.concat([head, more])
  }
}

async function* unzstd(own: ZlibWithZstd, source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const input = new ByteSource(source)
  try {
    do {
      const frame = await nextZstdFrame(input)
      if (frame === undefined) continue
      // a child's memory is its own, and it refuses windows beyond 128 MiB
      if (frame.windowBytes > mostWindowBytes) yield* decodeWithSystem('zstd', frame.bytes)
      else yield* decodeWith(own.createZstdDecompress({ chunkSize: outputBytes }), new ByteSource(frame.bytes), 'zstd')
    } while (!(await input.hasEnded()))
  } finally {
    await input.close()
  }
}

/** Feeds the decoder piece by piece until it has seen its end; what it did not use goes back to the input. */
async function* decodeWith(decoder: Decoder, input: ByteSource, format: string): AsyncGenerator<Buffer> {
  const feeding = feed(decoder, input).catch((error: unknown) => decoder.destroy(error as Error))
  try {
    yield* decoder as AsyncIterable<Buffer>
    await feeding
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (error instanceof DrayError || !/^(Z_|ZSTD_)/.test(code ?? '')) throw error
    throw new DrayError('damaged', `${format} data is damaged: ${message}`, { cause: error })
  } finally {
    decoder.destroy()
  }
}

async function feed(decoder: Decoder, input: ByteSource): Promise<void> {
  for (;;) {
    const piece = await input.next()
    if (!piece) {
      decoder.end()
      return
    }
    const before = decoder.bytesWritten
    const taken = await new Promise<boolean>(resolve => decoder.write(piece, error => resolve(!error)))
    const used = decoder.bytesWritten - before
    if (!taken) return
    if (used < piece.length) {
      input.giveBack(piece.subarray(used))
      return
    }
  }
}
