import { Readable } from 'node:stream'
import { detectCompression } from '../../archive/decompress-stream.ts'
import { maxJsonBytes, readSmallMember, type ImageArchiveReader } from '../../archive/image-archive.ts'
import { isDigest } from '../../store/digest.ts'
import type { ImageStore } from '../../store/image-store.ts'
import type { Descriptor, Digest } from '../../store/oci.ts'
import { LegacyLayerNames } from './legacy-layer-names.ts'
import { proved } from './proved.ts'
import { SavedDocuments } from './saved-documents.ts'

/**
 * Takes an image's layers out of the archive that `docker save` writes while it passes: those the repository has are only
 * hashed, new ones stored. Every layer is proved by its diffID, every blob by its digest; what belongs to other images
 * and platforms is passed over.
 */
export class SavedImage implements ImageArchiveReader {
  /** By diffID: known before, or stored from this archive. */
  readonly layers: Map<Digest, Descriptor>
  readonly newLayers = new Set<Digest>()
  readonly #documents = new SavedDocuments()
  readonly #images: ImageStore
  readonly #wanted: ReadonlySet<string>
  /** Layers of the repository by the digests of their blobs: an engine that has the same blob need not decompress it. */
  readonly #knownBlobs: ReadonlyMap<Digest, Digest>
  readonly #legacyNames: LegacyLayerNames
  readonly #signal: AbortSignal

  constructor(images: ImageStore, diffIds: readonly Digest[], known: ReadonlyMap<Digest, Descriptor>, signal: AbortSignal) {
    this.#images = images
    this.#wanted = new Set(diffIds)
    this.#legacyNames = new LegacyLayerNames(diffIds)
    this.#knownBlobs = new Map([...known].map(([diffId, { digest }]) => [digest, diffId]))
    this.#signal = signal
    this.layers = new Map(known)
  }

  /** What may be a config, a manifest or an index, by digest. */
  get documents(): ReadonlyMap<Digest, Buffer> {
    return this.#documents.byDigest
  }

  async onMember(name: string, size: number, body: AsyncIterable<Buffer>): Promise<void> {
    const [, blob] = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(name) ?? /^([0-9a-f]{64})\.json$/.exec(name) ?? []
    if (blob !== undefined) return this.#takeBlob(`sha256:${blob}`, size, body)
    const [, id, what] = /^([0-9a-f]{64})\/(json|layer\.tar)$/.exec(name) ?? []
    if (id === undefined) return
    if (what === 'json') this.#legacyNames.learn(id, await readSmallMember(name, size, body))
    else await this.#takeLayer(this.#legacyNames.diffIdOf(id), body)
  }

  async #takeBlob(digest: Digest, size: number, body: AsyncIterable<Buffer>): Promise<void> {
    if (this.#wanted.has(digest)) return this.#takeLayer(digest, body)
    if (this.#knownBlobs.has(digest)) return expectDigest(digest, body)
    const { compression, bytes } = await detectCompression(body)
    if (compression === 'gzip' || compression === 'zstd') {
      const { diffId, descriptor } = await this.#images.putNewCompressedLayer(bytes, { digest, size, compression }, this.#isNew)
      this.#keep(diffId, descriptor)
    } else if (compression === 'none' && size <= maxJsonBytes) {
      this.#documents.take(digest, await readSmallMember(digest, size, bytes))
    }
  }

  /** `expected` is undefined for a layer that shows at its end which one it is. */
  async #takeLayer(expected: string | undefined, body: AsyncIterable<Buffer>): Promise<void> {
    if (!isDigest(expected)) {
      const { diffId, descriptor } = await this.#images.putNewLayer(readableOf(body), this.#isNew, this.#signal)
      this.#keep(diffId, descriptor)
    } else if (this.layers.has(expected)) {
      await expectDigest(expected, body)
    } else {
      this.#keep(expected, await this.#images.putLayer(expected, readableOf(body), this.#signal))
    }
  }

  readonly #isNew = (diffId: Digest): boolean => this.#wanted.has(diffId) && !this.layers.has(diffId)

  #keep(diffId: Digest, descriptor: Descriptor | undefined): void {
    if (descriptor === undefined) return
    this.layers.set(diffId, descriptor)
    this.newLayers.add(diffId)
  }
}

async function expectDigest(digest: Digest, body: AsyncIterable<Buffer>): Promise<void> {
  const bytes = proved(body, digest)
  while (!(await bytes.next()).done);
}

function readableOf(body: AsyncIterable<Buffer>): Readable {
  return Readable.from(body, { objectMode: false })
}
