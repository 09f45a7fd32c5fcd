import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { decompressFrame } from '../archive/codec.ts'
import { DrayError } from '../errors/dray-error.ts'
import type { ChunkRef } from './chunk-ref.ts'

/** Puts what a blob holds into `into`, which has the length of the chunk. The blob is a file (its path) or bytes. */
export type DecodeJob = { readonly chunk: ChunkRef; readonly from: string | Uint8Array; readonly into: Uint8Array }

/**
 * Verifies what it gives: throws `damaged` when the blob does not hold the chunk, and the system's error when the file cannot
 * be read. The file is read without libuv's threads: handing each call over and back takes longer than most of them.
 */
export async function decodeChunk({ chunk: { key, length, digest, size }, from, into }: DecodeJob): Promise<void> {
  const stored = typeof from === 'string' ? readFile(from, size) : Buffer.from(from.buffer, from.byteOffset, from.byteLength)
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
