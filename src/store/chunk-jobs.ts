import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { compressFrame, decompressFrame, type Codec } from '../archive/codec.ts'
import { DrayError } from '../errors/dray-error.ts'
import type { ChunkRef } from './chunk-ref.ts'
import { digestOf, hexOf } from './digest.ts'
import type { Digest } from './oci.ts'
import { noteGarbage } from './young-garbage.ts'

/** Compresses a chunk and writes it to the new file `temporary`, unless the folder `blobs` has its blob. */
export type EncodeJob = { readonly kind: 'encode'; readonly plain: Uint8Array; readonly codec: Codec; readonly temporary: string; readonly blobs: string }

/** `descriptor` is that of the new file: open, not synced. Undefined when the blob was there already. */
export type EncodedChunk = { readonly digest: Digest; readonly size: number; readonly descriptor: number | undefined }

/** Puts what a blob holds into `into`, which has the length of the chunk. The blob is a file (its path) or bytes. */
export type DecodeJob = { readonly kind: 'decode'; readonly chunk: ChunkRef; readonly from: string | Uint8Array; readonly into: Uint8Array }

export type ChunkJob = EncodeJob | DecodeJob

/** Files are read and written without libuv's threads: handing each call over and back takes longer than most of them. */
export async function performChunkJob(job: ChunkJob): Promise<EncodedChunk | undefined> {
  try {
    if (job.kind === 'encode') return encodeChunk(job)
    await decodeChunk(job)
    return undefined
  } finally {
    noteGarbage((job.kind === 'encode' ? job.plain : job.into).length)
  }
}

function encodeChunk({ plain, codec, temporary, blobs }: EncodeJob): EncodedChunk {
  const stored = compressFrame(asBuffer(plain), codec)
  const digest = digestOf(stored)
  const size = stored.length
  if (statSync(join(blobs, hexOf(digest)), { throwIfNoEntry: false })?.size === size) return { digest, size, descriptor: undefined }
  const descriptor = openSync(temporary, 'wx', 0o600)
  try {
    for (let offset = 0; offset < size;) offset += writeSync(descriptor, stored, offset)
  } catch (thrown) {
    closeSync(descriptor)
    rmSync(temporary, { force: true })
    throw thrown
  }
  return { digest, size, descriptor }
}

/** Verifies what it gives: throws `damaged` when the blob does not hold the chunk, and the system's error when the file cannot be read. */
async function decodeChunk({ chunk: { key, length, digest, size }, from, into }: DecodeJob): Promise<void> {
  const stored = typeof from === 'string' ? readFile(from, size) : asBuffer(from)
  if (stored.length !== size) throw new DrayError('damaged', `blob "${digest}" has ${stored.length} of ${size} bytes`)
  const plain = await decompressFrame(stored, length).catch((thrown: unknown) => {
    throw thrown instanceof DrayError && thrown.code === 'damaged' ? new DrayError('damaged', `in blob "${digest}", ${thrown.message}`) : thrown
  })
  if (plain.length !== length || createHash('sha256').update(plain).digest('hex') !== key) throw new DrayError('damaged', `blob "${digest}" holds something else`)
  plain.copy(into)
}

/** At most one byte more than `most`. */
function readFile(path: string, most: number): Buffer {
  const descriptor = openSync(path, 'r')
  try {
    const bytes = Buffer.allocUnsafeSlow(most + 1)
    let length = 0
    for (let got = -1; got !== 0 && length < bytes.length; length += got) got = readSync(descriptor, bytes, length, bytes.length - length, null)
    return bytes.subarray(0, length)
  } finally {
    closeSync(descriptor)
  }
}

/** What has passed from one thread to another is a Uint8Array. */
function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}
