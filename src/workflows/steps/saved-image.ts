import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { detectCompression } from '../../archive/decompress-stream.ts'
import { maxJsonBytes, readSmallMember, type ImageArchiveReader } from '../../archive/image-archive.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { digestOf, isDigest } from '../../store/digest.ts'
import type { ImageStore } from '../../store/image-store.ts'
import type { Descriptor, Digest } from '../../store/oci.ts'
import { LegacyLayerNames } from './legacy-layer-names.ts'

/** Configs, manifests and indexes of one image are held in memory until the archive has ended. */
const mostDocumentBytes = 32 * 1024 * 1024

/**
 * Takes an image's layers out of the archive that `docker save` writes while it passes: those the repository has are only
 * hashed, new ones stored. Every layer is proved by its diffID, every blob by its digest; what belongs to other images
 * and platforms is passed over.
 */
export class SavedImage implements ImageArchiveReader {
  /** By diffID: known before, or stored from this archive. */
  readonly layers: Map<Digest, Descriptor>
  readonly newLayers = new Set<Digest>()
  /** What may be a config, a manifest or an index, by digest. */
  readonly documents = new Map<Digest, Buffer>()
  readonly #images: ImageStore
  readonly #wanted: ReadonlySet<string>
  /** Layers of the repository by the digests of their blobs: an engine that has the same blob need not decompress it. */
  readonly #knownBlobs: ReadonlyMap<Digest, Digest>
  readonly #legacyNames: LegacyLayerNames
  readonly #signal: AbortSignal
  #documentBytes = 0

  constructor(images: ImageStore, diffIds: readonly Digest[], known: ReadonlyMap<Digest, Descriptor>, signal: AbortSignal) {
    this.#images = images
    this.#wanted = new Set(diffIds)
    this.#legacyNames = new LegacyLayerNames(diffIds)
    this.#knownBlobs = new Map([...known].map(([diffId, { digest }]) => [digest, diffId]))
    this.#signal = signal
    this.layers = new Map(known)
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
      this.#takeDocument(digest, await readSmallMember(digest, size, bytes))
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

  #takeDocument(digest: Digest, bytes: Buffer): void {
    if (digestOf(bytes) !== digest) throw new DrayError('damaged', `"${digest}" of the saved image does not have the content that its name says`)
    if (!isDocument(bytes)) return
    this.#documentBytes += bytes.length
    if (this.#documentBytes > mostDocumentBytes) throw new DrayError('damaged', `the saved image has more than ${mostDocumentBytes} bytes of configs and manifests`)
    this.documents.set(digest, bytes)
  }
}

/** An image's config, a manifest or an index: other JSON of an image, such as attestations, is not needed. */
function isDocument(bytes: Buffer): boolean {
  if (!bytes.toString('latin1', 0, 64).trimStart().startsWith('{')) return false
  try {
    const value = JSON.parse(bytes.toString()) as object
    return 'rootfs' in value || 'layers' in value || 'manifests' in value
  } catch {
    return false
  }
}

async function expectDigest(digest: Digest, body: AsyncIterable<Buffer>): Promise<void> {
  const hash = createHash('sha256')
  for await (const bytes of body) hash.update(bytes)
  const found = `sha256:${hash.digest('hex')}`
  if (found !== digest) throw new DrayError('damaged', `"${digest}" of the saved image has the content of "${found}"`)
}

function readableOf(body: AsyncIterable<Buffer>): Readable {
  return Readable.from(body, { objectMode: false })
}
