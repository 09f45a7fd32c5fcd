import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { gzipMembers } from '../archive/gzip-members.ts'
import { DrayError } from '../errors/dray-error.ts'
import type { BlobReader } from './blob-reader.ts'
import { digestOf, isDigest } from './digest.ts'
import { mostConfigBytes, notA, parseManifest, parseObject, readIndex, readManifest } from './documents.ts'
import { readIndexFile } from './index-file.ts'
import { mediaTypes, type Descriptor, type Digest, type Manifest, type Platform } from './oci.ts'
import type { Repository } from './repository.ts'

export type StoredImage = {
  readonly manifest: Manifest
  readonly config: Buffer
  readonly platform: Platform
  /** From the bottom. */
  readonly layers: readonly { readonly diffId: Digest; readonly descriptor: Descriptor }[]
}

export type NewImage = {
  /** Verbatim: its digest is the image's id. */
  readonly config: Buffer
  /** As putLayer and findLayer returned them, from the bottom. */
  readonly layers: readonly Descriptor[]
  /** The original manifest of an image that came compressed: its digest is kept. Its layers have to be stored. */
  readonly manifest?: { readonly bytes: Buffer; readonly mediaType: string }
}

/** The images of a repository. Layers are known by their diffID (the sha256 of the plain tar) and stored once. */
export class ImageStore {
  readonly #repository: Repository
  #layers: Promise<Map<Digest, Descriptor>> | undefined

  constructor(repository: Repository) {
    this.#repository = repository
  }

  /** The layer's blob, if it is there; touches it. */
  async findLayer(diffId: Digest): Promise<Descriptor | undefined> {
    const found = (await this.#known()).get(diffId)
    return found !== undefined && (await this.#repository.blobs.refresh(found.digest, found.size)) ? found : undefined
  }

  /** Whether the manifest, its config and all its layers are there; touches them. */
  async isWhole(image: Descriptor): Promise<boolean> {
    const { blobs } = this.#repository
    try {
      const { config, layers } = await readManifest(blobs, image)
      return (await blobs.touch([image, config, ...layers])).length === 0
    } catch (thrown) {
      if (thrown instanceof DrayError) return false
      throw thrown
    }
  }

  /** Stores a plain layer as gzip members. Throws `damaged`, and keeps nothing, when its bytes are not those of the diffID. */
  async putLayer(diffId: Digest, tar: Readable, signal?: AbortSignal): Promise<Descriptor> {
    const { blobs } = this.#repository
    const store = (members: AsyncIterable<Buffer>) => blobs.putStream(members, mediaTypes.layerGzip)
    const descriptor = await pipeline(tar, (source: AsyncIterable<Buffer>) => checked(source, diffId), gzipMembers(), store, signal ? { signal } : {})
    return this.#remember(diffId, descriptor)
  }

  /** Stores a layer's blob as it came. Its digest is verified; that it holds the layer of this diffID is the caller's knowledge. */
  async putCompressedLayer(diffId: Digest, blob: AsyncIterable<Uint8Array>, { mediaType, digest, size }: Pick<Descriptor, 'mediaType' | 'digest' | 'size'>): Promise<Descriptor> {
    return this.#remember(diffId, await this.#repository.blobs.putStream(blob, mediaType, { digest, size }))
  }

  /** Returns the manifest's descriptor with the platform, as a backup takes it. */
  async putImage({ config, layers, manifest }: NewImage): Promise<Descriptor> {
    const { blobs } = this.#repository
    const facts = parseImageConfig(config)
    if (manifest) await this.#checkOriginal(manifest.bytes, config)
    else if (facts.diffIds.length !== layers.length) throw new DrayError('damaged', `image "${digestOf(config)}" has ${facts.diffIds.length} layers in its config, ${layers.length} came`)
    const stored = await blobs.put(config, mediaTypes.imageConfig)
    const plain = layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size }))
    const made: Manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config: stored, layers: plain }
    const descriptor = await blobs.put(manifest?.bytes ?? Buffer.from(JSON.stringify(made)), manifest?.mediaType ?? mediaTypes.manifest)
    return { ...descriptor, platform: facts.platform }
  }

  async #checkOriginal(bytes: Buffer, config: Buffer): Promise<void> {
    const original = parseManifest(bytes, 'the original manifest')
    if (original.config.digest !== digestOf(config)) throw new DrayError('damaged', `the original manifest belongs to image "${original.config.digest}", not "${digestOf(config)}"`)
    const [missing] = await this.#repository.blobs.touch(original.layers)
    if (missing !== undefined) throw new DrayError('damaged', `layer "${missing}" of image "${original.config.digest}" is not stored`)
  }

  async #remember(diffId: Digest, { mediaType, digest, size }: Descriptor): Promise<Descriptor> {
    const descriptor = { mediaType, digest, size }
    const known = await this.#known()
    known.set(diffId, descriptor)
    return descriptor
  }

  #known(): Promise<Map<Digest, Descriptor>> {
    this.#layers ??= layersOfAllImages(this.#repository)
    return this.#layers
  }
}

/** An image out of any place that has its blobs. */
export async function readImage(blobs: BlobReader, descriptor: Pick<Descriptor, 'digest'>): Promise<StoredImage> {
  const manifest = await readManifest(blobs, descriptor)
  const config = await blobs.read(manifest.config.digest, { maxBytes: mostConfigBytes })
  const { platform, diffIds } = parseImageConfig(config)
  if (diffIds.length !== manifest.layers.length) throw notA(`image manifest "${descriptor.digest}"`, 'one of its config')
  const layers = manifest.layers.flatMap((layer, at) => {
    const diffId = diffIds[at]
    return diffId === undefined ? [] : [{ diffId, descriptor: layer }]
  })
  return { manifest, config, platform, layers }
}

/** Throws `damaged` for what is not an image's config. */
export function parseImageConfig(bytes: Buffer): { readonly platform: Platform; readonly diffIds: readonly Digest[] } {
  const what = `image config "${digestOf(bytes)}"`
  const { os, architecture, variant, rootfs } = parseObject(bytes, what) as { os?: unknown; architecture?: unknown; variant?: unknown; rootfs?: { diff_ids?: unknown } }
  if (typeof os !== 'string' || typeof architecture !== 'string') throw notA(what, 'for any platform')
  const diffIds = rootfs?.diff_ids ?? []
  if (!Array.isArray(diffIds) || !diffIds.every(isDigest)) throw notA(what, 'sound: its layers are not named by digests')
  return { platform: { os, architecture, ...(typeof variant === 'string' && variant !== '' ? { variant } : {}) }, diffIds }
}

/** What cannot be read is not known, and stored again. */
async function layersOfAllImages(repository: Repository): Promise<Map<Digest, Descriptor>> {
  const known = new Map<Digest, Descriptor>()
  const seen = new Set<Digest>()
  for (const listed of (await readIndexFile(repository)).manifests) {
    if (listed.artifactType !== mediaTypes.backup) continue
    const children = await readIndex(repository.blobs, listed).then(({ manifests }) => manifests, () => [])
    for (const image of children.filter(({ artifactType, digest }) => artifactType === undefined && !seen.has(digest))) {
      seen.add(image.digest)
      const layers = await readImage(repository.blobs, image).then(({ layers }) => layers, () => [])
      for (const { diffId, descriptor: { mediaType, digest, size } } of layers) known.set(diffId, { mediaType, digest, size })
    }
  }
  return known
}

async function* checked(source: AsyncIterable<Buffer>, diffId: Digest): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  for await (const bytes of source) {
    hash.update(bytes)
    yield bytes
  }
  const found = `sha256:${hash.digest('hex')}`
  if (found !== diffId) throw new DrayError('damaged', `layer "${diffId}" was expected, "${found}" came`)
}
