import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { Codec } from '../archive/codec.ts'
import { DrayError } from '../errors/dray-error.ts'
import { UploadLost } from '../registry/blob-upload.ts'
import { inPieces, sendBlob } from '../registry/send-blob.ts'
import type { Blobs, Expected } from './blobs.ts'
import { ReadingState, type BlobProblem } from './check-blob.ts'
import { chunkThreads } from './chunk-threads.ts'
import { digestOf } from './digest.ts'
import { DigestSet } from './digest-set.ts'
import { indexTypes, manifestTypes, parseManifest } from './documents.ts'
import { inParallel } from './in-parallel.ts'
import type { Descriptor, Digest } from './oci.ts'
import { RegistryBlobs } from './registry-blobs.ts'

const questionsAtOnce = 16

/** The reason of an error after which the same layer can be streamed once more, from its beginning. */
export const lostUpload = 'UPLOAD_LOST'

/**
 * The blobs of a repository in a registry. Nothing of them lies here: chunks go from memory into an upload, layers as they come.
 * Manifests wait, in memory, until the backup that they belong to is listed.
 */
export class RemoteBlobs extends RegistryBlobs implements Blobs {
  /** Not in the registry yet. */
  readonly #waiting = new Map<Digest, Buffer>()
  /** Uploaded by this run, or named by a manifest that is there: the registry's garbage collection leaves these. */
  readonly #sure = new DigestSet()

  async put(bytes: Uint8Array, mediaType: string, annotations?: Readonly<Record<string, string>>): Promise<Descriptor> {
    const digest = digestOf(bytes)
    const descriptor = { mediaType, digest, size: bytes.length, ...(annotations === undefined ? {} : { annotations }) }
    if (indexTypes.includes(mediaType) || manifestTypes.includes(mediaType)) {
      this.#waiting.set(digest, Buffer.from(bytes))
      this.noteManifests([digest])
    } else {
      await this.#send(digest, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    }
    return descriptor
  }

  async putStream(source: AsyncIterable<Uint8Array>, mediaType: string, expected: Expected = {}): Promise<Descriptor> {
    const upload = await this.repository.startUpload()
    if (upload === 'mounted') throw new RangeError('an upload that names no blob was mounted')
    const hash = createHash('sha256')
    let size = 0
    let held: Buffer = Buffer.alloc(0)
    try {
      for await (const piece of inPieces(source as AsyncIterable<Buffer>)) {
        if (held.length > 0) await upload.append(held)
        hash.update(piece)
        size += piece.length
        held = piece
      }
      const digest: Digest = `sha256:${hash.digest('hex')}`
      if (expected.size !== undefined && size !== expected.size) throw new DrayError('damaged', `a blob of ${expected.size} bytes was expected, ${size} bytes came`)
      if (expected.digest !== undefined && digest !== expected.digest) throw new DrayError('damaged', `blob "${expected.digest}" was expected, "${digest}" came`)
      await upload.finish(digest, held)
      this.#sure.add(digest)
      return { mediaType, digest, size }
    } catch (thrown) {
      await upload.cancel()
      if (thrown instanceof UploadLost) throw new DrayError('io-failed', `"${this.repository.path}" lost the upload of a layer: ${thrown.message}`, { cause: thrown, reason: lostUpload, hints: ['run the same command again: what is stored is not sent again'] })
      throw thrown
    }
  }

  async putChunk(plain: Buffer, codec: Codec): Promise<{ readonly digest: Digest; readonly size: number }> {
    const bytes = await chunkThreads.compress({ plain, codec })
    const digest = digestOf(bytes)
    await this.#send(digest, bytes)
    return { digest, size: bytes.length }
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.stat(digest)) !== undefined
  }

  override async stat(digest: Digest): Promise<{ readonly size: number } | undefined> {
    const waiting = this.#waiting.get(digest)
    return waiting === undefined ? await super.stat(digest) : { size: waiting.length }
  }

  override async read(digest: Digest, options: Parameters<RegistryBlobs['read']>[1] = {}): Promise<Buffer> {
    const waiting = this.#waiting.get(digest)
    if (waiting !== undefined) return waiting
    const bytes = await super.read(digest, options)
    if (options.isManifest === true) this.#trust(bytes)
    return bytes
  }

  async refresh(digest: Digest, size?: number): Promise<boolean> {
    if (this.#sure.has(digest) || this.#waiting.has(digest)) return true
    const found = await this.stat(digest)
    const isThere = found !== undefined && (size === undefined || found.size === -1 || found.size === size)
    if (isThere && !this.isManifest(digest)) this.#sure.add(digest)
    return isThere
  }

  async touch(wanted: Iterable<Digest | { readonly digest: Digest; readonly size: number }>): Promise<Digest[]> {
    const missing: Digest[] = []
    await inParallel(wanted, questionsAtOnce, async each => {
      const { digest, size } = typeof each === 'string' ? { digest: each, size: undefined } : each
      if (!(await this.refresh(digest, size))) missing.push(digest)
    })
    return missing
  }

  async check(blob: Pick<Descriptor, 'digest' | 'size'>, state = new ReadingState()): Promise<BlobProblem | undefined> {
    const hash = createHash('sha256')
    let size = 0
    try {
      for await (const piece of this.stream(blob.digest)) {
        if (state.isStopped) return undefined
        hash.update(piece)
        size += piece.length
        state.add(piece.length)
      }
    } catch (thrown) {
      if (thrown instanceof DrayError && thrown.code === 'damaged') return (await this.stat(blob.digest)) === undefined ? { problem: 'missing' } : { problem: 'content', found: thrown.message }
      throw thrown
    }
    if (size !== blob.size) return { problem: 'size', found: `${size} bytes` }
    const digest = `sha256:${hash.digest('hex')}`
    return digest === blob.digest ? undefined : { problem: 'content', found: digest }
  }

  async look({ digest, size }: Pick<Descriptor, 'digest' | 'size'>): Promise<BlobProblem | undefined> {
    const found = await this.stat(digest)
    if (found === undefined) return { problem: 'missing' }
    return found.size === -1 || found.size === size ? undefined : { problem: 'size', found: `${found.size} bytes` }
  }

  /** An upload that has ended is stored. */
  flush(): Promise<void> {
    return Promise.resolve()
  }

  discard(): Promise<void> {
    this.#waiting.clear()
    return Promise.resolve()
  }

  async #send(digest: Digest, bytes: Buffer): Promise<void> {
    if (await this.refresh(digest, bytes.length)) return
    await sendBlob(this.repository, { digest, size: bytes.length, open: () => Readable.from([bytes]) })
    this.#sure.add(digest)
  }

  #trust(manifest: Buffer): void {
    try {
      const { config, layers } = parseManifest(manifest, 'a manifest')
      for (const { digest } of [config, ...layers]) this.#sure.add(digest)
    } catch {
      // an index, or nothing that can be trusted
    }
  }
}
