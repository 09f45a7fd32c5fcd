import type { Readable } from 'node:stream'
import { compressFrame, framePieces, gzipMember } from './codec.ts'
import { isIncompressible } from './stored-frame.ts'

export const archiveFormats = ['tar', 'tar.gz', 'tar.zst'] as const
export type ArchiveFormat = (typeof archiveFormats)[number]

/** Independent members or frames of so many plain bytes. */
const pieceBytes = 1024 * 1024
/** Members that are compressed at a time. */
const inFlight = 3
const gzipLevel = 5

/** By the end of a file's name; undefined when it says nothing. */
export function formatOfName(name: string): ArchiveFormat | undefined {
  if (/\.(?:tar\.gz|tgz)$/i.test(name)) return 'tar.gz'
  if (/\.(?:tar\.zst|tar\.zstd|tzst)$/i.test(name)) return 'tar.zst'
  return /\.tar$/i.test(name) ? 'tar' : undefined
}

/** The tar as it goes into the file. What would not get smaller, as data that is compressed already, costs next to nothing. */
export function packArchive(tar: Readable, format: ArchiveFormat): AsyncIterable<Buffer> {
  return format === 'tar' ? tar : packed(tar, format)
}

async function* packed(tar: AsyncIterable<Buffer>, format: Exclude<ArchiveFormat, 'tar'>): AsyncGenerator<Buffer> {
  const ahead: Promise<readonly Buffer[]>[] = []
  for await (const piece of equalPieces(tar)) {
    const packing = pack(piece, format)
    packing.catch(() => undefined)
    ahead.push(packing)
    if (ahead.length >= inFlight) yield* (await ahead.shift()) ?? []
  }
  for (const packing of ahead) yield* await packing
}

async function pack(piece: Buffer, format: Exclude<ArchiveFormat, 'tar'>): Promise<readonly Buffer[]> {
  return format === 'tar.zst' ? framePieces(piece, 'zstd') : [await gzipMember(piece, isIncompressible(piece, sample => compressFrame(sample, 'gzip').length) ? 0 : gzipLevel)]
}

async function* equalPieces(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = []
  let bytes = 0
  for await (const each of source) {
    for (let rest = each; rest.length > 0; ) {
      const part = rest.subarray(0, pieceBytes - bytes)
      pieces.push(part)
      bytes += part.length
      rest = rest.subarray(part.length)
      if (bytes < pieceBytes) continue
      yield Buffer.concat(pieces)
      pieces = []
      bytes = 0
    }
  }
  if (bytes > 0) yield Buffer.concat(pieces)
}
