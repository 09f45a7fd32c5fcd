import type { Readable } from 'node:stream'
import { DrayError } from '../errors/dray-error.ts'
import type { RegistryRepository } from '../registry/registry-repository.ts'
import { missingBlob, smallBlobBytes, verifying, wrongBlob, type BlobReader, type BlobReadOptions } from './blob-reader.ts'
import { digestOf } from './digest.ts'
import { DigestSet } from './digest-set.ts'
import { mostManifestBytes } from './documents.ts'
import type { Digest } from './oci.ts'

/** What was read of documents is kept up to so much. */
const mostKeptBytes = 64 * 1024 * 1024

/** Blobs under one name of a registry, where manifests and indexes lie apart from the others. */
export class RegistryBlobs implements BlobReader {
  readonly repository: RegistryRepository
  readonly #manifests = new DigestSet()
  readonly #kept = new Map<Digest, Buffer>()
  #keptBytes = 0

  constructor(repository: RegistryRepository) {
    this.repository = repository
  }

  /** Says that these are manifests or indexes. */
  noteManifests(digests: Iterable<Digest>): void {
    for (const digest of digests) this.#manifests.add(digest)
  }

  isManifest(digest: Digest): boolean {
    return this.#manifests.has(digest)
  }

  /** Keeps a document, which need not be read again. */
  keep(digest: Digest, bytes: Buffer): void {
    this.#manifests.add(digest)
    if (this.#kept.has(digest) || this.#keptBytes + bytes.length > mostKeptBytes) return
    this.#kept.set(digest, bytes)
    this.#keptBytes += bytes.length
  }

  async stat(digest: Digest): Promise<{ readonly size: number } | undefined> {
    if (!this.isManifest(digest)) return await this.repository.headBlob(digest)
    const found = await this.repository.headManifest(digest)
    return found === undefined ? undefined : { size: found.size ?? -1 }
  }

  async read(digest: Digest, { maxBytes = smallBlobBytes, unverified = false, isManifest = this.isManifest(digest) }: BlobReadOptions = {}): Promise<Buffer> {
    const bytes = this.#kept.get(digest) ?? (isManifest ? await this.#readManifest(digest) : await this.#readBlob(digest, maxBytes))
    if (bytes.length > maxBytes) throw wrongBlob(digest, this.repository.path, `has ${bytes.length} bytes, more than the expected ${maxBytes}`)
    if (!unverified && !isManifest && digestOf(bytes) !== digest) throw wrongBlob(digest, this.repository.path, 'does not have the content that its name says')
    return bytes
  }

  openRead(digest: Digest, { size }: { readonly size?: number } = {}): Readable {
    return verifying(this.stream(digest), digest, this.repository.path, size)
  }

  async #readManifest(digest: Digest): Promise<Buffer> {
    const found = await this.repository.getManifest(digest)
    if (found === undefined) throw missingBlob(digest, this.repository.path)
    this.keep(digest, found.bytes)
    return found.bytes
  }

  async #readBlob(digest: Digest, maxBytes: number): Promise<Buffer> {
    const pieces: Buffer[] = []
    let length = 0
    for await (const piece of this.stream(digest)) {
      length += piece.length
      if (length > maxBytes) throw wrongBlob(digest, this.repository.path, `has more than the expected ${maxBytes} bytes`)
      pieces.push(piece)
    }
    return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces)
  }

  /** Not verified. */
  protected async *stream(digest: Digest): AsyncGenerator<Buffer> {
    if (this.isManifest(digest)) {
      yield await this.read(digest, { maxBytes: mostManifestBytes })
      return
    }
    try {
      yield* this.repository.readBlob(digest)
    } catch (thrown) {
      throw thrown instanceof DrayError && thrown.code === 'not-found' ? missingBlob(digest, this.repository.path) : thrown
    }
  }
}
