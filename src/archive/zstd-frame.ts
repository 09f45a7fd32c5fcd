import { DrayError } from '../errors/dray-error.ts'
import type { ByteSource } from './byte-source.ts'

// Node.js 22 and 24 stop at the end of the first frame, and 22.15 takes a cut frame for a whole one: the frames (RFC 8878) are
// told apart here, and each gets a decoder of its own.

const frameMagic = 0xfd2fb528
const skippableMagic = 0x184d2a50
const maxHeaderBytes = 18
const blockHeaderBytes = 3
const maxBlockBytes = 128 * 1024
const piecesOfBytes = 64 * 1024

/** One frame with content; skippable ones are passed over. */
export type ZstdFrame = {
  readonly bytes: Buffer
  /** What its header declares, which can be a lie; undefined when it leaves it open. */
  readonly contentBytes: number | undefined
  /** No decoder can make more of its blocks than this. */
  readonly mostBytes: number
  /** The memory window that it asks of its decoder. */
  readonly windowBytes: number
  /** Its content, where all of it lies here as it is and no checksum is to be looked at. */
  readonly stored: readonly Buffer[] | undefined
}

type FrameHeader = Pick<ZstdFrame, 'contentBytes' | 'windowBytes'> & { readonly headerBytes: number; readonly skippedBytes: number | undefined; readonly checksumBytes: number }

/** The frames of `stored`, without decoding anything. Throws `damaged` unless they fill it to the very last byte. */
export function zstdFrames(stored: Buffer): ZstdFrame[] {
  const frames: ZstdFrame[] = []
  for (let at = 0; at < stored.length; ) {
    const start = at
    const header = parseFrameHeader(stored.subarray(at))
    at += header.headerBytes + (header.skippedBytes ?? 0)
    let mostBytes = 0
    let raw: Buffer[] | undefined = header.checksumBytes === 0 ? [] : undefined
    for (let last = header.skippedBytes !== undefined; !last; ) {
      if (at + blockHeaderBytes > stored.length) throw cut()
      const block = parseBlockHeader(stored.subarray(at))
      last = block.last
      mostBytes += block.mostBytes
      at += blockHeaderBytes + block.storedBytes
      if (block.isRaw) raw?.push(stored.subarray(at - block.storedBytes, at))
      else raw = undefined
    }
    at += header.checksumBytes
    if (at > stored.length) throw cut()
    if (header.skippedBytes === undefined) frames.push({ bytes: stored.subarray(start, at), contentBytes: header.contentBytes, mostBytes, windowBytes: header.windowBytes, stored: raw })
  }
  return frames
}

/** The frame that the input begins with, to be read to its end before the next one; undefined for a skippable frame, which is then gone. */
export async function nextZstdFrame(input: ByteSource): Promise<{ readonly windowBytes: number; readonly bytes: AsyncGenerator<Buffer> } | undefined> {
  const first = await input.nextAtLeast(maxHeaderBytes)
  const header = parseFrameHeader(first)
  input.giveBack(first.subarray(header.headerBytes))
  if (header.skippedBytes === undefined) return { windowBytes: header.windowBytes, bytes: frameBytes(first.subarray(0, header.headerBytes), header.checksumBytes, input) }
  for (let left = header.skippedBytes; left > 0; ) left -= (await take(input, Math.min(left, piecesOfBytes))).length
  return undefined
}

async function* frameBytes(header: Buffer, checksumBytes: number, input: ByteSource): AsyncGenerator<Buffer> {
  let pieces = [header]
  let bytes = 0
  for (let last = false; !last; ) {
    const blockHeader = await take(input, blockHeaderBytes)
    const block = parseBlockHeader(blockHeader)
    last = block.last
    pieces.push(blockHeader, await take(input, block.storedBytes + (last ? checksumBytes : 0)))
    bytes += block.storedBytes
    if (bytes < piecesOfBytes && !last) continue
    yield Buffer.concat(pieces)
    pieces = []
    bytes = 0
  }
}

async function take(input: ByteSource, length: number): Promise<Buffer> {
  if (length === 0) return Buffer.alloc(0)
  const bytes = await input.nextAtLeast(length)
  if (bytes.length < length) throw cut()
  input.giveBack(bytes.subarray(length))
  return bytes.subarray(0, length)
}

function parseFrameHeader(bytes: Buffer): FrameHeader {
  if (bytes.length < 8) throw cut()
  const magic = bytes.readUInt32LE(0)
  if ((magic & ~15) >>> 0 === skippableMagic) return { headerBytes: 8, skippedBytes: bytes.readUInt32LE(4), contentBytes: 0, windowBytes: 0, checksumBytes: 0 }
  if (magic !== frameMagic) throw new DrayError('damaged', 'no zstd frame begins where one should')
  const flags = bytes.readUInt8(4)
  const singleSegment = (flags & 0x20) !== 0
  const contentAt = 5 + (singleSegment ? 0 : 1) + ([0, 1, 2, 4][flags & 3] ?? 0)
  const contentLength = [singleSegment ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0
  if (bytes.length < contentAt + contentLength) throw cut()
  const contentBytes = contentLengthIn(bytes, contentAt, contentLength)
  return {
    headerBytes: contentAt + contentLength,
    skippedBytes: undefined,
    contentBytes,
    windowBytes: singleSegment ? (contentBytes ?? 0) : windowOf(bytes.readUInt8(5)),
    checksumBytes: (flags & 4) === 0 ? 0 : 4,
  }
}

function parseBlockHeader(bytes: Buffer): { last: boolean; isRaw: boolean; storedBytes: number; mostBytes: number } {
  const header = bytes.readUIntLE(0, blockHeaderBytes)
  const kind = (header >> 1) & 3
  const size = header >> 3
  if (kind === 3 || size > maxBlockBytes) throw new DrayError('damaged', 'zstd data has an invalid block')
  return { last: (header & 1) !== 0, isRaw: kind === 0, storedBytes: kind === 1 ? 1 : size, mostBytes: kind === 2 ? maxBlockBytes : size }
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3))
  return base + (base / 8) * (descriptor & 7)
}

function contentLengthIn(bytes: Buffer, at: number, length: number): number | undefined {
  if (length === 0) return undefined
  if (length === 8) return Number(bytes.readBigUInt64LE(at))
  return bytes.readUIntLE(at, length) + (length === 2 ? 256 : 0)
}

function cut(): DrayError {
  return new DrayError('damaged', 'zstd data is cut')
}
