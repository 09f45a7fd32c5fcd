import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync, rmSync, statSync, writevSync } from 'node:fs'
import { join } from 'node:path'
import { BufferPool } from '../archive/buffer-pool.ts'
import { decompressFrame, framePieces, type Codec } from '../archive/codec.ts'
import { DrayError } from '../errors/dray-error.ts'
import { checkBlobFile, ReadingState, type BlobProblem } from './check-blob.ts'
import type { ChunkRef } from './chunk-ref.ts'
import { digestOf, hexOf } from './digest.ts'
import type { Digest } from './oci.ts'
import { withoutFirst } from './without-first.ts'
import { noteGarbage, noteOldGarbage } from '../archive/young-garbage.ts'

/** Compresses a chunk and writes it to the new file `temporary`, unless the folder `blobs` has its blob. */
export type EncodeJob = { readonly kind: 'encode'; readonly plain: Uint8Array; readonly codec: Codec; readonly temporary: string; readonly blobs: string }

/** `descriptor` is that of the new file: open, not synced. Undefined when the blob was there already. */
export type EncodedChunk = { readonly digest: Digest; readonly size: number; readonly descriptor: number | undefined }

/** Puts what a blob holds into `into`, which has the length of the chunk. The blob is a file (its path) or bytes. `strict`: its own digest counts as well. `frugal`: memory counts more than time: see noteOldGarbage, and one thread does it all. */
export type DecodeJob = { readonly kind: 'decode'; readonly chunk: ChunkRef; readonly from: string | Uint8Array; readonly into: Uint8Array; readonly strict?: boolean; readonly frugal?: boolean }

/** Reads the file of any blob: see checkBlobFile. `state` is the memory of a ReadingState. */
export type CheckJob = { readonly kind: 'check'; readonly path: string; readonly digest: Digest; readonly size: number; readonly state: BigInt64Array }

/** Compresses a chunk. */
export type CompressJob = { readonly kind: 'compress'; readonly plain: Uint8Array; readonly codec: Codec }

export type ChunkJob = CompressJob | EncodeJob | DecodeJob | CheckJob

export type ChunkResult = Uint8Array | EncodedChunk | BlobProblem | undefined

/** Files are read and written without libuv's threads: handing each call over and back takes longer than most of them. */
export async function performChunkJob(job: ChunkJob): Promise<ChunkResult> {
  if (job.kind === 'check') return checkBlobFile({ ...job, state: new ReadingState(job.state) })
  try {
    if (job.kind === 'compress') return Buffer.concat(framePieces(asBuffer(job.plain), job.codec))
    if (job.kind === 'encode') return encodeChunk(job)
    await decodeChunk(job)
    return undefined
  } finally {
    noteGarbage(job.kind === 'decode' ? (job.frugal === true ? 4 : 1) * job.into.length : job.plain.length)
  }
}

function encodeChunk({ plain, codec, temporary, blobs }: EncodeJob): EncodedChunk {
  const pieces = framePieces(asBuffer(plain), codec)
  const digest = digestOf(...pieces)
  const size = pieces.reduce((sum, piece) => sum + piece.length, 0)
  if (statSync(join(blobs, hexOf(digest)), { throwIfNoEntry: false })?.size === size) return { digest, size, descriptor: undefined }
  const descriptor = openSync(temporary, 'wx', 0o600)
  try {
    writeWhole(descriptor, pieces)
  } catch (thrown) {
    closeSync(descriptor)
    rmSync(temporary, { force: true })
    throw thrown
  }
  return { digest, size, descriptor }
}

function writeWhole(descriptor: number, pieces: readonly Buffer[]): void {
  for (let left: readonly Uint8Array[] = pieces; left.length > 0;) left = withoutFirst(left, writevSync(descriptor, left))
}

/** Files are read into memory that is used again. */
const fileMemory = new BufferPool(1)

async function decodeChunk({ chunk, from, into, strict = false, frugal = false }: DecodeJob): Promise<void> {
  if (typeof from !== 'string') {
    await decode(chunk, asBuffer(from), asBuffer(into), strict)
    return
  }
  if (frugal) noteOldGarbage(2 * chunk.length)
  const memory = fileMemory.take(chunk.size + 1)
  try {
    await decode(chunk, readFile(from, memory), asBuffer(into), strict)
  } finally {
    fileMemory.giveBack(memory)
  }
}

/** Verifies what it gives: throws `damaged` when the blob does not hold the chunk, and the system's error when the file cannot be read. */
async function decode({ key, length, digest, size }: ChunkRef, stored: Buffer, into: Buffer, strict: boolean): Promise<void> {
  if (stored.length !== size) throw new DrayError('damaged', `blob "${digest}" has ${stored.length} of ${size} bytes`)
  if (strict && digestOf(stored) !== digest) throw new DrayError('damaged', `blob "${digest}" does not have the content that its name says`)
  const plain = await decompressFrame(stored, length, into).catch((thrown: unknown) => {
    throw thrown instanceof DrayError && thrown.code === 'damaged' ? new DrayError('damaged', `in blob "${digest}", ${thrown.message}`) : thrown
  })
  if (plain.length !== length || createHash('sha256').update(plain).digest('hex') !== key) throw new DrayError('damaged', `blob "${digest}" holds something else`)
  if (plain.buffer !== into.buffer) plain.copy(into)
}

/** As much of the file as there is room for. */
function readFile(path: string, into: Buffer): Buffer {
  const descriptor = openSync(path, 'r')
  try {
    let length = 0
    for (let got = -1; got !== 0 && length < into.length; length += got) got = readSync(descriptor, into, length, into.length - length, null)
    return into.subarray(0, length)
  } finally {
    closeSync(descriptor)
  }
}

/** What has passed from one thread to another is a Uint8Array. */
function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}
