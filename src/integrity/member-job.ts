import { readSync } from 'node:fs'
import { compressionOf } from '../archive/codec.ts'
import { blockBytes } from '../archive/tar-header.ts'
import { noteGarbage } from '../archive/young-garbage.ts'
import type { PassedFile } from './member.ts'
import { Meter } from './meter.ts'
import { readMember, readPlain, smallBytes } from './read-member.ts'

const pieceBytes = 256 * 1024
/** Filled and used in one go. */
const small = Buffer.allocUnsafeSlow(smallBytes)

/** One file of an archive or layout, to be read by any thread. */
export type MemberJob = {
  readonly name: string
  /** A descriptor, open until the job is done. */
  readonly file: number
  readonly position: number
  readonly size: number
  /** See Meter. */
  readonly shared: SharedArrayBuffer
}

/** Throws what reading the file throws. */
export async function performMemberJob({ name, file, position, size, shared }: MemberJob): Promise<PassedFile> {
  const meter = new Meter(shared)
  if (size < smallBytes) {
    const length = readSync(file, small, 0, size, position)
    const member = length === size ? readPlain(name, size, small.subarray(0, size), meter) : undefined
    if (member !== undefined) return member
  }
  return await readMember(name, size, piecesOf(file, position, size), meter, () => Promise.resolve(position))
}

/** Blocks the thread while it reads: it has nothing else to do. */
async function* piecesOf(file: number, position: number, size: number): AsyncGenerator<Buffer> {
  const room = (): Buffer => Buffer.allocUnsafeSlow(Math.min(pieceBytes, size))
  let piece = room()
  let isUsedAgain = false
  for (let at = 0; at < size; ) {
    const length = readSync(file, piece, 0, Math.min(piece.length, size - at), position + at)
    if (length === 0) return
    // what is not unpacked is done with when the next piece is asked for
    isUsedAgain ||= at === 0 && length >= blockBytes && compressionOf(piece) === 'none'
    at += length
    yield await Promise.resolve(piece.subarray(0, length))
    if (isUsedAgain) continue
    noteGarbage(length)
    piece = room()
  }
}
