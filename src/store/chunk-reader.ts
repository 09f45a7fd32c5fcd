import { sharedBuffer } from '../archive/buffer-pool.ts'
import { DrayError, messageOf } from '../errors/dray-error.ts'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'
import { missingBlob, whatIsLost, type BlobReader } from './blob-reader.ts'
import type { ChunkRef } from './chunk-ref.ts'
import { chunkThreads } from './chunk-threads.ts'

/** Reads chunks out of any place that has their blobs. */
export class ChunkReader {
  readonly #blobs: BlobReader
  readonly #strict: boolean
  readonly #frugal: boolean
  readonly #hints: readonly string[]

  /** `strict`: a blob that holds the chunk and has not the digest of its name is damaged too. `frugal`: see DecodeJob. `hints` are for what is damaged. */
  constructor(blobs: BlobReader, { strict = false, frugal = false, hints = [whatIsLost] }: { readonly strict?: boolean; readonly frugal?: boolean; readonly hints?: readonly string[] } = {}) {
    this.#blobs = blobs
    this.#strict = strict
    this.#frugal = frugal
    this.#hints = hints
  }

  /** The plain bytes, verified, in `into` where it is given. Throws `damaged`, naming the chunk, when they cannot be had. */
  async read(chunk: ChunkRef, into = sharedBuffer(chunk.length)): Promise<Buffer> {
    try {
      await this.#decode(chunk, into)
      return into
    } catch (thrown) {
      throw thrown instanceof DrayError && thrown.code === 'damaged' ? new DrayError('damaged', `chunk "${chunk.key}" cannot be read: ${messageOf(thrown)}`, { cause: thrown, hints: this.#hints }) : thrown
    }
  }

  async #decode(chunk: ChunkRef, into: Buffer): Promise<void> {
    const { digest, size } = chunk
    const path = this.#blobs.pathOf?.(digest)
    if (path === undefined) {
      const from = await this.#blobs.read(digest, { maxBytes: Math.max(size, 1), unverified: true })
      await chunkThreads.decode({ chunk, from, into, strict: this.#strict, frugal: this.#frugal })
      return
    }
    try {
      await chunkThreads.decode({ chunk, from: path, into, strict: this.#strict, frugal: this.#frugal })
    } catch (thrown) {
      if (errnoOf(thrown) === undefined) throw thrown
      if (errnoOf(thrown) !== 'ENOENT') throw fromSystemError(thrown, 'cannot read blob', digest)
      // It got its own name in between, or is only now on its way to it.
      if (this.#blobs.pathOf?.(digest) === path && (await this.#blobs.stat(digest)) === undefined) throw missingBlob(digest, path)
      await this.#decode(chunk, into)
    }
  }
}
