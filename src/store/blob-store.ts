import { createHash, randomBytes } from 'node:crypto'
import { close, createReadStream, fdatasync, statSync, unlinkSync, utimesSync } from 'node:fs'
import { mkdir, open, opendir, readFile, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import type { Codec } from '../archive/codec.ts'
import { DrayError } from '../errors/dray-error.ts'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'
import { syncFolder } from '../files/atomic-file.ts'
import { BlobBatch, type OpenFile } from './blob-batch.ts'
import { ReadingState, type BlobProblem } from './check-blob.ts'
import { chunkThreads } from './chunk-threads.ts'
import { missingBlob, smallBlobBytes, verifying, wrongBlob, type BlobReadOptions } from './blob-reader.ts'
import type { Blobs, Expected } from './blobs.ts'
import { digestOf, hexOf, isDigest } from './digest.ts'
import type { Descriptor, Digest } from './oci.ts'
import { withoutFirst } from './without-first.ts'

export type BlobFolders = {
  /** The repository, for messages. */
  readonly root: string
  readonly blobs: string
  readonly quarantine: string
  /** Makes the run's folder for half-written blobs at the first write. Same file system. */
  readonly temporary: () => Promise<string>
}

type FileStat = { readonly size: number; readonly mtimeMs: number }

type FileWriter = (temporary: string, blobs: string) => Promise<{ readonly digest: Digest; readonly size: number; readonly descriptor: number | undefined }>

/** A blob that was touched less than this ago is new enough for any grace time. */
const touchedMs = 10 * 60 * 1000
/** Handing a write to another thread takes as long as writing 100 KB. */
const writtenAtOnce = 512 * 1024

/** The blobs of a repository directory: blobs/sha256/<hex>, each there whole or not at all. */
export class BlobStore implements Blobs {
  readonly #folders: BlobFolders
  readonly #batch: BlobBatch
  /** Written and not yet under their own names. */
  readonly #pending = new Map<Digest, { readonly path: string; readonly size: number }>()
  readonly #writing = new Map<Digest, Promise<void>>()
  readonly #putting = new Set<Promise<unknown>>()

  constructor(folders: BlobFolders) {
    this.#folders = folders
    this.#batch = new BlobBatch(folders.blobs)
  }

  /**
   * Stores the bytes, durable after flush(). A blob that is there and holds them is touched and not written again. `bytes` must not
   * change before this settles.
   */
  async put(bytes: Uint8Array, mediaType: string, annotations?: Readonly<Record<string, string>>): Promise<Descriptor> {
    const digest = digestOf(bytes)
    const descriptor = { mediaType, digest, size: bytes.length, ...(annotations === undefined ? {} : { annotations }) }
    const running = this.#writing.get(digest)
    if (running) {
      await running
      return descriptor
    }
    const writing = this.#putNew(digest, bytes)
    this.#writing.set(digest, writing)
    try {
      await writing
    } finally {
      this.#writing.delete(digest)
    }
    return descriptor
  }

  /** The same for a stream, hashed in passing. No piece may change before this settles. Throws `damaged`, and keeps nothing, when it is not what was expected. */
  async putStream(source: AsyncIterable<Uint8Array>, mediaType: string, expected: Expected = {}): Promise<Descriptor> {
    const hash = createHash('sha256')
    let size = 0
    const write = async (file: FileHandle) => {
      let pieces: Uint8Array[] = []
      let bytes = 0
      for await (const piece of source) {
        hash.update(piece)
        size += piece.length
        bytes += piece.length
        pieces.push(piece)
        if (bytes < writtenAtOnce) continue
        await this.#write(file, pieces)
        pieces = []
        bytes = 0
      }
      await this.#write(file, pieces)
      if (expected.size !== undefined && size !== expected.size) throw new DrayError('damaged', `a blob of ${expected.size} bytes was expected, ${size} bytes came`)
    }
    const { file, temporary } = await this.#writeTemporary(write)
    const digest: Digest = `sha256:${hash.digest('hex')}`
    const wrong = expected.digest !== undefined && digest !== expected.digest
    if (wrong || (await this.refresh(digest, size))) {
      await file.close()
      await rm(temporary, { force: true })
      if (wrong) throw new DrayError('damaged', `blob "${expected.digest ?? ''}" was expected, "${digest}" came`)
    } else {
      await this.#place(digest, file, temporary, size)
    }
    return { mediaType, digest, size }
  }

  async putChunk(plain: Buffer, codec: Codec): Promise<{ readonly digest: Digest; readonly size: number }> {
    const putting = this.#putFile((temporary, blobs) => chunkThreads.encode({ plain, codec, temporary, blobs }))
    this.#putting.add(putting)
    try {
      return await putting
    } finally {
      this.#putting.delete(putting)
    }
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.stat(digest)) !== undefined
  }

  async stat(digest: Digest): Promise<FileStat | undefined> {
    const pending = this.#pending.get(digest)
    try {
      const { size, mtimeMs } = await stat(this.pathOf(digest))
      return { size, mtimeMs }
    } catch (thrown) {
      if (errnoOf(thrown) !== 'ENOENT') throw fromSystemError(thrown, 'cannot read blob', digest)
      // It got its own name in between, or is only now on its way to it.
      return pending !== undefined || this.#pending.has(digest) ? this.stat(digest) : undefined
    }
  }

  /** True when the blob is there with this size; it is touched then, so that a prune's grace time begins anew. Done at once: see statNow(). */
  async refresh(digest: Digest, size?: number): Promise<boolean> { // eslint-disable-line @typescript-eslint/require-await -- other stores have to wait
    if (this.#pending.has(digest)) return true
    const found = this.statNow(digest)
    if (found === undefined || (size !== undefined && found.size !== size)) return false
    if (found.mtimeMs > Date.now() - touchedMs) return true
    const now = new Date()
    try {
      utimesSync(this.#pathOf(digest), now, now)
      return true
    } catch (thrown) {
      if (errnoOf(thrown) === 'ENOENT') return false
      throw this.#writeError(thrown)
    }
  }

  /** Touches all of them and returns those that are missing or have another size than the one given. */
  async touch(wanted: Iterable<Digest | { readonly digest: Digest; readonly size: number }>): Promise<Digest[]> {
    const missing: Digest[] = []
    const queue = wanted[Symbol.iterator]()
    const worker = async () => {
      for (let next = queue.next(); next.done !== true; next = queue.next()) {
        const { digest, size } = typeof next.value === 'string' ? { digest: next.value, size: undefined } : next.value
        if (!(await this.refresh(digest, size))) missing.push(digest)
      }
    }
    await Promise.all(Array.from({ length: 16 }, worker))
    return missing
  }

  async read(digest: Digest, { maxBytes = smallBlobBytes, unverified = false }: BlobReadOptions = {}): Promise<Buffer> {
    const found = await this.stat(digest)
    if (found === undefined) throw missingBlob(digest, this.#folders.root)
    if (found.size > maxBytes) throw wrongBlob(digest, this.#folders.root, `has ${found.size} bytes, more than the expected ${maxBytes}`)
    const bytes = await this.#readWhole(digest)
    if (!unverified && digestOf(bytes) !== digest) throw wrongBlob(digest, this.#folders.root, 'does not have the content that its name says')
    return bytes
  }

  /** Of a blob that has no name of its own yet, the file that will become it. */
  pathOf(digest: Digest): string {
    return this.#pending.get(digest)?.path ?? this.#pathOf(digest)
  }

  openRead(digest: Digest, expected: { readonly size?: number } = {}): Readable {
    return verifying(this.#readFile(digest), digest, this.#folders.root, expected.size)
  }

  /** Reads a blob to its end in a thread of its own, and says what is wrong with it. */
  async check({ digest, size }: Pick<Descriptor, 'digest' | 'size'>, state = new ReadingState()): Promise<BlobProblem | undefined> {
    return await this.#check(this.#pathOf(digest), { digest, size }, state)
  }

  /** The same without reading it. */
  async look({ digest, size }: Pick<Descriptor, 'digest' | 'size'>): Promise<BlobProblem | undefined> {
    const found = await this.stat(digest)
    if (found === undefined) return { problem: 'missing' }
    return found.size === size ? undefined : { problem: 'size', found: `${found.size} bytes` }
  }

  /** Puts a blob that was moved aside, and is sound all the same, back to its place. False when there is none. */
  async putBack(blob: Pick<Descriptor, 'digest' | 'size'>): Promise<boolean> {
    const aside = join(this.#folders.quarantine, hexOf(blob.digest))
    if ((await this.#check(aside, blob, new ReadingState())) !== undefined) return false
    try {
      await rename(aside, this.#pathOf(blob.digest))
      await syncFolder(this.#folders.blobs)
      return true
    } catch (thrown) {
      if (errnoOf(thrown) === 'ENOENT') return false
      throw this.#writeError(thrown)
    }
  }

  async #check(path: string, { digest, size }: Pick<Descriptor, 'digest' | 'size'>, { shared }: ReadingState): Promise<BlobProblem | undefined> {
    try {
      return await chunkThreads.check({ path, digest, size, state: shared })
    } catch (thrown) {
      throw fromSystemError(thrown, 'cannot read blob', digest)
    }
  }

  /** Moves a bad blob aside (drayage/quarantine/<hex>), so that the next backup stores it again. */
  async quarantine(digest: Digest): Promise<void> {
    try {
      await mkdir(this.#folders.quarantine, { mode: 0o700, recursive: true })
      await rename(this.#pathOf(digest), join(this.#folders.quarantine, hexOf(digest)))
      await syncFolder(this.#folders.blobs)
    } catch (thrown) {
      if (errnoOf(thrown) !== 'ENOENT') throw this.#writeError(thrown)
    }
  }

  /** Every blob that has its name, in no order. Files that are not blobs are left out. */
  async *list(): AsyncGenerator<Digest> {
    for await (const { name } of await opendir(this.#folders.blobs, { bufferSize: 1024 })) {
      const digest = `sha256:${name}`
      if (isDigest(digest)) yield digest
    }
  }

  /** Size and time of a blob that has its name, at once: for many in a row, where waiting for each takes five times as long. */
  statNow(digest: Digest): FileStat | undefined {
    return statSync(this.#pathOf(digest), { throwIfNoEntry: false })
  }

  /** The same for remove(). */
  removeNow(digest: Digest): void {
    try {
      unlinkSync(this.#pathOf(digest))
    } catch (thrown) {
      if (errnoOf(thrown) !== 'ENOENT') throw thrown
    }
  }

  /** Only under the exclusive lock. Missing is success. */
  async remove(digest: Digest): Promise<void> {
    await rm(this.#pathOf(digest), { force: true })
  }

  /** Everything that was put before is on disk, with its name, when this resolves. */
  async flush(): Promise<void> {
    try {
      await this.#batch.flush()
    } catch (thrown) {
      throw this.#writeError(thrown)
    }
  }

  /** Gives up what was not flushed. */
  async discard(): Promise<void> {
    await Promise.allSettled([...this.#writing.values(), ...this.#putting])
    await this.#batch.discard()
  }

  async #readWhole(digest: Digest): Promise<Buffer> {
    const pending = this.#pending.get(digest)
    try {
      return await readFile(this.pathOf(digest))
    } catch (thrown) {
      // It got its own name in between.
      if (pending !== undefined && errnoOf(thrown) === 'ENOENT') return this.#readWhole(digest)
      if (errnoOf(thrown) === 'EISDIR') throw wrongBlob(digest, this.#folders.root, 'is a directory')
      throw errnoOf(thrown) === 'ENOENT' ? missingBlob(digest, this.#folders.root) : fromSystemError(thrown, 'cannot read blob', digest)
    }
  }

  /**
   * Stores what `write` makes of the path it is given: a new file, left open and not synced. Without a descriptor the blob was
   * found in `blobs`, the folder of all.
   */
  async #putFile(write: FileWriter): Promise<{ readonly digest: Digest; readonly size: number }> {
    const temporary = join(await this.#folders.temporary(), randomBytes(8).toString('hex'))
    const { digest, size, descriptor } = await write(temporary, this.#folders.blobs).catch((thrown: unknown) => {
      throw this.#writeError(thrown)
    })
    if (descriptor !== undefined) await this.#place(digest, openFile(descriptor), temporary, size)
    else if (!(await this.refresh(digest, size))) return await this.#putFile(write)
    return { digest, size }
  }

  async #putNew(digest: Digest, bytes: Uint8Array): Promise<void> {
    if ((await this.refresh(digest, bytes.length)) && (await this.#holds(digest, bytes))) return
    const { file, temporary } = await this.#writeTemporary(opened => this.#write(opened, [bytes]))
    await this.#place(digest, file, temporary, bytes.length)
  }

  /** A document that is damaged in its place, with the same length, would make every backup that writes it again fail. */
  async #holds(digest: Digest, bytes: Uint8Array): Promise<boolean> {
    if (this.#pending.has(digest)) return true
    const found = await readFile(this.#pathOf(digest)).catch(() => undefined)
    return found?.equals(bytes) === true
  }

  /** Errors of `write` itself pass as they are: those of a source are not the repository's. */
  async #writeTemporary(write: (file: FileHandle) => Promise<void>): Promise<{ file: FileHandle; temporary: string }> {
    const temporary = join(await this.#folders.temporary(), randomBytes(8).toString('hex'))
    const file = await open(temporary, 'wx', 0o600).catch((thrown: unknown) => {
      throw this.#writeError(thrown)
    })
    try {
      await write(file)
      return { file, temporary }
    } catch (thrown) {
      await file.close().catch(() => undefined)
      await rm(temporary, { force: true })
      throw thrown
    }
  }

  async #write(file: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
    try {
      for (let left = pieces; left.length > 0;) left = withoutFirst(left, (await file.writev(left)).bytesWritten)
    } catch (thrown) {
      throw this.#writeError(thrown)
    }
  }

  async #place(digest: Digest, file: OpenFile, temporary: string, size: number): Promise<void> {
    this.#pending.set(digest, { path: temporary, size })
    try {
      await this.#batch.add({ file, temporary, path: this.#pathOf(digest), bytes: size, onPlaced: () => this.#pending.delete(digest) })
    } catch (thrown) {
      throw this.#writeError(thrown)
    }
  }

  async *#readFile(digest: Digest): AsyncGenerator<Buffer> {
    const found = await this.stat(digest)
    if (found === undefined) throw missingBlob(digest, this.#folders.root)
    if (this.#pending.has(digest)) await this.flush()
    try {
      for await (const piece of createReadStream(this.#pathOf(digest), { highWaterMark: 256 * 1024 })) yield piece as Buffer
    } catch (thrown) {
      throw errnoOf(thrown) === 'ENOENT' ? missingBlob(digest, this.#folders.root) : errnoOf(thrown) === undefined ? thrown : fromSystemError(thrown, 'cannot read blob', digest)
    }
  }

  #pathOf(digest: Digest): string {
    return join(this.#folders.blobs, hexOf(digest))
  }

  #writeError(thrown: unknown): unknown {
    return errnoOf(thrown) === undefined ? thrown : fromSystemError(thrown, 'cannot write to the repository', this.#folders.root)
  }
}

const datasync = promisify(fdatasync)
const closeDescriptor = promisify(close)

function openFile(descriptor: number): OpenFile {
  return { datasync: () => datasync(descriptor), close: () => closeDescriptor(descriptor) }
}
