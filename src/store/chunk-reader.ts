import { createHash } from 'node:crypto'
import { decompressFrame } from '../archive/codec.ts'
import { DrayError, messageOf } from '../errors/dray-error.ts'
import type { BlobReader } from './blob-reader.ts'
import type { ChunkRef } from './chunk-ref.ts'

/** Reads chunks out of any place that has their blobs. */
export class ChunkReader {
  readonly #blobs: BlobReader

  constructor(blobs: BlobReader) {
    this.#blobs = blobs
  }

  /** The plain bytes, verified. Throws `damaged`, naming the chunk, when they cannot be had. */
  async read({ key, length, digest, size }: ChunkRef): Promise<Buffer> {
    const stored = await this.#blobs.read(digest, { maxBytes: Math.max(size, 1), unverified: true }).catch((thrown: unknown) => {
      throw thrown instanceof DrayError && thrown.code === 'damaged' ? damaged(key, messageOf(thrown), thrown) : thrown
    })
    if (stored.length !== size) throw damaged(key, `blob "${digest}" has ${stored.length} of ${size} bytes`)
    let plain: Buffer
    try {
      plain = await decompressFrame(stored, length)
    } catch (thrown) {
      throw thrown instanceof DrayError && thrown.code === 'damaged' ? damaged(key, `in blob "${digest}", ${messageOf(thrown)}`, thrown) : thrown
    }
    if (plain.length !== length || createHash('sha256').update(plain).digest('hex') !== key) throw damaged(key, `blob "${digest}" holds something else`)
    return plain
  }
}

function damaged(key: string, reason: string, cause?: unknown): DrayError {
  return new DrayError('damaged', `chunk "${key}" cannot be read: ${reason}`, { cause, hints: ['dray verify names the backups and files that it hurts'] })
}
