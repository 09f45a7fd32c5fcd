import { DrayError } from '../errors/dray-error.ts'

const frameMagic = 0xfd2fb528
const skippableMagic = 0x184d2a50
const maxBlockBytes = 128 * 1024

export type ZstdFrameBounds = {
  /** What the frame headers declare; undefined when one of them leaves it open. A header can lie. */
  readonly contentBytes: number | undefined
  /** No decoder can make more of these blocks than this. */
  readonly mostBytes: number
  /** The largest memory window that a frame asks of its decoder. */
  readonly windowBytes: number
}

/**
 * Walks the headers of zstd frames (RFC 8878) without decoding, up to the very last byte, so that a decoder's memory is known
 * before it is started. Throws `damaged` for anything but whole frames.
 */
export function boundsOfZstdFrames(stored: Buffer): ZstdFrameBounds {
  let contentBytes: number | undefined = 0
  let mostBytes = 0
  let windowBytes = 0
  let at = 0
  const take = (length: number): number => {
    const start = at
    at += length
    if (at > stored.length) throw new DrayError('damaged', `zstd data is cut at byte ${stored.length}`)
    return start
  }
  while (at < stored.length) {
    const frameStart = at
    const magic = stored.readUInt32LE(take(4))
    if ((magic & ~15) >>> 0 === skippableMagic) {
      take(stored.readUInt32LE(take(4)))
      continue
    }
    if (magic !== frameMagic) throw new DrayError('damaged', `no zstd frame begins at byte ${frameStart}`)
    const flags = stored.readUInt8(take(1))
    const singleSegment = (flags & 0x20) !== 0
    const window = singleSegment ? 0 : windowOf(stored.readUInt8(take(1)))
    take([0, 1, 2, 4][flags & 3] ?? 0)
    const declaredLength = [singleSegment ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0
    const declared = readDeclared(stored, take(declaredLength), declaredLength)
    contentBytes = contentBytes === undefined || declared === undefined ? undefined : contentBytes + declared
    windowBytes = Math.max(windowBytes, singleSegment ? (declared ?? 0) : window)
    for (let last = false; !last; ) {
      const header = stored.readUIntLE(take(3), 3)
      const kind = (header >> 1) & 3
      const size = header >> 3
      last = (header & 1) !== 0
      if (kind === 3 || size > maxBlockBytes) throw new DrayError('damaged', `a zstd block at byte ${at - 3} is invalid`)
      take(kind === 1 ? 1 : size)
      mostBytes += kind === 2 ? maxBlockBytes : size
    }
    if (flags & 4) take(4)
  }
  return { contentBytes, mostBytes, windowBytes }
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3))
  return base + (base / 8) * (descriptor & 7)
}

function readDeclared(stored: Buffer, at: number, length: number): number | undefined {
  if (length === 0) return undefined
  if (length === 8) return Number(stored.readBigUInt64LE(at))
  return stored.readUIntLE(at, length) + (length === 2 ? 256 : 0)
}
