import { createHash } from 'node:crypto'
import { sharedCopy } from '../archive/buffer-pool.ts'
import { availableCodec, type Codec } from '../archive/codec.ts'
import { ChunkCache } from './chunk-cache.ts'
import type { ChunkRef } from './chunk-ref.ts'
import { ChunkReader } from './chunk-reader.ts'
import { chunkRecordBytes, decodeChunkRecord, encodeChunkRecord } from './chunk-record.ts'
import { chunksOfAllMounts } from './known-chunks.ts'
import { RecordTable } from './record-table.ts'
import type { Repository } from './repository.ts'
import { Slots } from './slots.ts'

/** Chunks that are compressed, written or waited for at a time. */
const inFlight = 6
const appendAfter = 256

export type ChunkCounts = { chunks: number; bytes: number; newChunks: number; newBytes: number; storedBytes: number }

/**
 * Chunks of the repository, each stored once: they are recognised by the sha256 of the plain bytes, before they are
 * compressed. What is known about earlier runs comes from a cache; that a blob is there is looked up each time.
 */
export class ChunkStore extends ChunkReader {
  /** Of this run so far; `storedBytes` is what the new ones take on disk. */
  readonly counts: ChunkCounts = { chunks: 0, bytes: 0, newChunks: 0, newBytes: 0, storedBytes: 0 }
  readonly #repository: Repository
  readonly #cache: ChunkCache
  readonly #codec: Codec
  readonly #slots = new Slots(inFlight)
  readonly #storing = new Map<string, Promise<ChunkRef>>()
  #known: Promise<RecordTable> | undefined
  #unsaved: Buffer[] = []

  constructor(repository: Repository, { codec = availableCodec() }: { readonly codec?: Codec } = {}) {
    super(repository.blobs)
    this.#repository = repository
    this.#cache = new ChunkCache(repository.cacheFolder, repository.config.id)
    this.#codec = codec
  }

  /** Stores the bytes unless they are there; durable after flush(). `plain` must not change before this settles; await it to keep memory bounded. */
  async store(plain: Buffer): Promise<ChunkRef> {
    this.counts.chunks++
    this.counts.bytes += plain.length
    const hash = createHash('sha256').update(plain).digest()
    const key = hash.toString('hex')
    const same = this.#storing.get(key)
    if (same) return same
    const storing = this.#slots.run(() => this.#storeOnce(hash, key, plain))
    this.#storing.set(key, storing)
    try {
      return await storing
    } finally {
      this.#storing.delete(key)
    }
  }

  /** True when the chunk's blob is there; touches it. */
  async isPresent({ digest, size }: ChunkRef): Promise<boolean> {
    return this.#repository.blobs.refresh(digest, size)
  }

  async flush(): Promise<void> {
    await this.#repository.blobs.flush()
    await this.#saveKnown()
  }

  async #storeOnce(hash: Buffer, key: string, plain: Buffer): Promise<ChunkRef> {
    const known = await (this.#known ??= this.#loadKnown())
    const record = known.get(hash)
    const found = record && decodeChunkRecord(record)
    if (found?.length === plain.length && (await this.isPresent(found))) return found
    const shared = sharedCopy(plain)
    const { digest, size } = await this.#repository.blobs.putChunk(shared, this.#codec)
    const ref = { key, length: plain.length, digest, size, codec: this.#codec }
    this.counts.newChunks++
    this.counts.newBytes += plain.length
    this.counts.storedBytes += size
    const added = encodeChunkRecord(ref)
    known.set(added)
    this.#unsaved.push(added)
    if (this.#unsaved.length >= appendAfter) await this.#saveKnown()
    return ref
  }

  async #loadKnown(): Promise<RecordTable> {
    const cached = await this.#cache.load()
    if (cached) return cached
    const table = new RecordTable(chunkRecordBytes)
    for await (const ref of chunksOfAllMounts(this.#repository)) table.set(encodeChunkRecord(ref))
    await this.#cache.rewrite(table)
    return table
  }

  async #saveKnown(): Promise<void> {
    const records = this.#unsaved
    this.#unsaved = []
    await this.#cache.append(records)
  }
}
