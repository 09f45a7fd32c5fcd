/** An image out of what `docker save` writes: all of it passes, once for each reading, and says at its end what it was. */
import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { detectCompression } from '../../archive/decompress-stream.ts'
import { archiveFiles, maxJsonBytes, readSmallMember } from '../../archive/image-archive.ts'
import type { ImageInspect } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import { mediaTypes, type Digest } from '../../store/oci.ts'
import { chooseImage } from './choose-image.ts'
import { blobPath } from './image-tar.ts'
import { LegacyLayerNames } from './legacy-layer-names.ts'
import { IncompleteImage } from './lost-image.ts'
import { proved } from './proved.ts'
import { SavedDocuments } from './saved-documents.ts'
import type { ImageDocuments, LayerMember, PlacedLayer, SourceImage } from './source-image.ts'

/** `open` gives the archive that `engine` wrote, from its beginning. */
export function openArchivedImage(engine: Engine, inspected: ImageInspect, diffIds: readonly Digest[], open: (signal: AbortSignal) => Promise<Readable>, signal: AbortSignal): SourceImage {
  return {
    id: inspected.Id,
    inspected,
    diffIds,
    blobs: undefined,
    mayBeCompressed: engine.facts.store === 'containerd',
    config: undefined,
    sizes: async wanted => ({ bytes: await unpackedBytes(engine, inspected, diffIds, wanted, signal), isExact: false }),
    read: (wanted, reading) => new ArchiveReading(inspected, diffIds, wanted, open, reading),
  }
}

class ArchiveReading {
  readonly members: AsyncIterable<LayerMember>
  readonly #inspected: ImageInspect
  readonly #diffIds: readonly Digest[]
  readonly #wanted: ReadonlySet<Digest>
  readonly #legacyNames: LegacyLayerNames
  readonly #documents = new SavedDocuments()
  /** Plain layers, by diffID, also those that were not wanted. */
  readonly #plain = new Map<Digest, PlacedLayer>()
  readonly #compressed = new Set<Digest>()

  constructor(inspected: ImageInspect, diffIds: readonly Digest[], wanted: ReadonlySet<Digest>, open: (signal: AbortSignal) => Promise<Readable>, signal: AbortSignal) {
    this.#inspected = inspected
    this.#diffIds = diffIds
    this.#wanted = wanted
    this.#legacyNames = new LegacyLayerNames(diffIds)
    this.members = this.#read(open, signal)
  }

  documents(): ImageDocuments {
    const image = chooseImage(this.#documents.byDigest, this.#inspected)
    if (image === undefined) throw new IncompleteImage(`image "${this.#inspected.Id}" was saved without its config`)
    const { config, manifest } = image
    const layers = this.#diffIds.map((diffId, at) => {
      const blob = manifest?.parsed.layers[at]
      const placed = blob !== undefined && this.#compressed.has(blob.digest) ? { diffId, blob, path: blobPath(blob.digest) } : this.#plain.get(diffId)
      if (placed === undefined) throw new IncompleteImage(`image "${this.#inspected.Id}" was saved without its layer "${diffId}"`)
      return placed
    })
    return { config, layers, ...(manifest === undefined ? {} : { manifest: { bytes: manifest.bytes, mediaType: manifest.parsed.mediaType } }) }
  }

  async *#read(open: (signal: AbortSignal) => Promise<Readable>, signal: AbortSignal): AsyncGenerator<LayerMember> {
    for await (const { name, size, body } of archiveFiles(await open(signal), signal)) {
      const [, blob] = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(name) ?? /^([0-9a-f]{64})\.json$/.exec(name) ?? []
      const [, id, what] = /^([0-9a-f]{64})\/(json|layer\.tar)$/.exec(name) ?? []
      if (blob !== undefined) yield* this.#blob(`sha256:${blob}`, size, body)
      else if (id !== undefined && what === 'json') this.#legacyNames.learn(id, await readSmallMember(name, size, body))
      else if (id !== undefined) yield* this.#legacyLayer(name, id, size, body)
    }
  }

  async *#blob(digest: Digest, size: number, body: AsyncIterable<Buffer>): AsyncGenerator<LayerMember> {
    if (this.#diffIds.includes(digest)) {
      yield* this.#plainLayer(digest, size, body)
      return
    }
    const { compression, bytes } = await detectCompression(body)
    if (compression === 'gzip' || compression === 'zstd') {
      // which layer it is shows with the manifest, and that may come later
      yield { path: blobPath(digest), size, isZstd: compression === 'zstd', body: proved(bytes, digest) }
      this.#compressed.add(digest)
    } else if (compression === 'none' && size <= maxJsonBytes) {
      this.#documents.take(digest, await readSmallMember(digest, size, bytes))
    }
  }

  *#plainLayer(diffId: Digest, size: number, body: AsyncIterable<Buffer>): Generator<LayerMember> {
    const path = blobPath(diffId)
    if (this.#wanted.has(diffId)) yield { path, size, isZstd: false, body: proved(body, diffId) }
    this.#plain.set(diffId, { diffId, path, blob: { mediaType: mediaTypes.layer, digest: diffId, size } })
  }

  *#legacyLayer(name: string, id: string, size: number, body: AsyncIterable<Buffer>): Generator<LayerMember> {
    const known = this.#legacyNames.diffIdOf(id) as Digest | undefined
    if (known !== undefined) {
      yield* this.#plainLayer(known, size, body)
      return
    }
    const hash = createHash('sha256')
    yield { path: name, size, isZstd: false, body: hashed(body, hash) }
    const diffId: Digest = `sha256:${hash.digest('hex')}`
    this.#plain.set(diffId, { diffId, path: name, blob: { mediaType: mediaTypes.layer, digest: diffId, size } })
  }
}

async function* hashed(body: AsyncIterable<Buffer>, hash: { update(bytes: Buffer): unknown }): AsyncGenerator<Buffer> {
  for await (const bytes of body) {
    hash.update(bytes)
    yield bytes
  }
}

/** As the image's history tells it: what the files of its layers hold. */
async function unpackedBytes(engine: Engine, { Id }: ImageInspect, diffIds: readonly Digest[], wanted: ReadonlySet<Digest>, signal: AbortSignal): Promise<number> {
  const sizes = (await engine.images.history(Id, { signal })).map(({ Size }) => Number(Size)).reverse()
  // steps without a layer hold nothing, and cannot be told from layers without content
  const layers = sizes.length === diffIds.length ? sizes : sizes.filter(bytes => bytes > 0)
  if (layers.length !== diffIds.length) return wanted.size === 0 ? 0 : sizes.reduce((sum, bytes) => sum + bytes, 0)
  return diffIds.reduce((sum, diffId, at) => sum + (wanted.has(diffId) ? (layers[at] ?? 0) : 0), 0)
}
