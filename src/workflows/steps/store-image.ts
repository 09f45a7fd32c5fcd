import { Transform, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { readImageArchive } from '../../archive/image-archive.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { ImageInspect } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import { isDigest } from '../../store/digest.ts'
import type { ImageStore } from '../../store/image-store.ts'
import type { Descriptor, Digest } from '../../store/oci.ts'
import type { Repository } from '../../store/repository.ts'
import type { Transfer } from '../reporter.ts'
import { chooseImage, keptManifest } from './choose-image.ts'
import { IncompleteImage } from './lost-image.ts'
import { SavedImage } from './saved-image.ts'

export type ImageJob = { readonly engine: Engine; readonly repository: Repository; readonly images: ImageStore; readonly transfer: Transfer; readonly signal: AbortSignal }

export type ImageReport = {
  /** For a backup's index: with platform, and the image's id as annotation. */
  readonly descriptor: Descriptor
  /** The engine's own id of it; of a flattened one the id that a classic engine would give it. */
  readonly id: string
  /** 'stored before': nothing was read from the engine. */
  readonly how: 'saved' | 'stored before' | 'flattened'
  readonly layers: number
  readonly newLayers: number
  /** Bytes that the engine sent. */
  readonly readBytes: number
  /** Why it was flattened, in words for the user. */
  readonly because?: string
}

/**
 * Stores an image of the engine in one pass over what it saves, without a copy on disk; layers that the repository has are
 * not written again, an image that it has is not even read. `ref` is an id or name:tag, never a bare repository name.
 * Durable after the repository's flush. Throws `damaged` when what came is not whole: see isImageLost.
 */
export async function storeImage({ engine, images, transfer, signal }: ImageJob, ref: string): Promise<ImageReport> {
  const inspected = await engine.images.inspect(ref, { signal })
  const id = inspected.Id
  const diffIds = diffIdsOf(inspected)
  const platform = { os: inspected.Os, architecture: inspected.Architecture, ...(inspected.Variant === undefined ? {} : { variant: inspected.Variant }) }
  const before = await images.findImage({ id, platform, diffIds })
  if (before) return { descriptor: before, id, how: 'stored before', layers: diffIds.length, newLayers: 0, readBytes: 0 }
  const saved = new SavedImage(images, diffIds, await findLayers(images, diffIds), signal)
  // by the id: a name could have moved since it was inspected
  const readBytes = await countBytes(await engine.images.save(id, { signal }), transfer, signal, async tar => readImageArchive(tar, saved))
  const image = chooseImage(saved.documents, inspected)
  if (image === undefined) throw new IncompleteImage(`the engine at "${engine.address}" saved image "${ref}" without its config`)
  const layers = diffIds.map(diffId => saved.layers.get(diffId)).filter(layer => layer !== undefined)
  const missing = diffIds.find(diffId => !saved.layers.has(diffId))
  if (missing !== undefined) throw new IncompleteImage(`the engine at "${engine.address}" saved image "${ref}" without its layer "${missing}"`)
  const manifest = keptManifest(image, layers)
  const descriptor = await images.putImage({ config: image.config, layers, engineId: id, ...(manifest === undefined ? {} : { manifest }) })
  return { descriptor, id, how: 'saved', layers: diffIds.length, newLayers: saved.newLayers.size, readBytes }
}

/** Hands `body` on to `read` and counts it. Throws the signal's reason when it fires. */
export async function countBytes(body: Readable, transfer: Transfer, signal: AbortSignal, read: (counted: Readable) => Promise<unknown>): Promise<number> {
  let bytes = 0
  const counter = new Transform({
    transform(piece: Buffer, _, done) {
      bytes += piece.length
      transfer.add(piece.length)
      done(null, piece)
    },
  })
  // what ends the reading aborts the streams before it, and would be told as that
  let ended: { readonly by: unknown } | undefined
  try {
    await pipeline(body, counter, async () => {
      await read(counter).catch((thrown: unknown) => {
        ended = { by: thrown }
        throw thrown
      })
    }, { signal })
  } catch (thrown) {
    signal.throwIfAborted()
    throw (ended as { readonly by: unknown } | undefined)?.by ?? thrown
  }
  return bytes
}

function diffIdsOf({ Id, RootFS }: ImageInspect): Digest[] {
  const diffIds = RootFS.Layers ?? []
  if (!diffIds.every(isDigest)) throw new DrayError('refused', `image "${Id}" has layers that are not named by sha256 digests`)
  return diffIds
}

async function findLayers(images: ImageStore, diffIds: readonly Digest[]): Promise<Map<Digest, Descriptor>> {
  const known = new Map<Digest, Descriptor>()
  for (const diffId of new Set(diffIds)) {
    const layer = await images.findLayer(diffId)
    if (layer) known.set(diffId, layer)
  }
  return known
}
