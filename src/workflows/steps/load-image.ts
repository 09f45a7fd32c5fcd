/** Brings an image of a repository onto an engine, sending only the layers that it lacks. */
import type { Engine } from '../../engine/engine.ts'
import { unlessMissing } from '../../engine/unless-missing.ts'
import type { Journal } from '../../pipeline/journal.ts'
import type { BlobReader } from '../../store/blob-reader.ts'
import { digestOf } from '../../store/digest.ts'
import { mostManifestBytes } from '../../store/documents.ts'
import { readImage } from '../../store/image-store.ts'
import type { Descriptor } from '../../store/oci.ts'
import type { Transfer } from '../reporter.ts'
import { layersOnEngine } from './engine-layers.ts'
import { differenceFrom, inspectImage, isWhole, knowsAvailability, wasMadeWith, type ImageContent } from './image-match.ts'
import { planImageTar, type ImageToLoad } from './image-tar.ts'
import { loadTar, notBrought, type LoadedImage } from './load-tar.ts'

export type { LoadedImage } from './load-tar.ts'

export type LoadJob = { readonly engine: Engine; readonly blobs: BlobReader; readonly journal: Journal; readonly run: string; readonly transfer: Transfer; readonly signal: AbortSignal }

/**
 * Loads the image under a temporary name, reads it back and compares; no other name on the engine is touched. The caller
 * removes the temporary name and settles its entry. Throws `damaged` for what the repository holds, `refused` or `io-failed`
 * for what the engine did not take, naming the image; nothing of it is left on the engine then. An abort before all is
 * sent ends the transfer; after that the engine's answer is awaited, as it makes the image whether we listen or not.
 */
export async function loadImage(job: LoadJob, manifest: Descriptor): Promise<LoadedImage> {
  const { engine, blobs, signal } = job
  signal.throwIfAborted()
  try {
    const manifestBytes = await blobs.read(manifest.digest, { maxBytes: mostManifestBytes })
    const image = { ...(await readImage(blobs, manifest)), descriptor: { ...manifest, size: manifestBytes.length }, manifestBytes }
    const present = (await findByManifest(engine, image, signal)) ?? (await findImage(engine, image, signal))
    if (present !== undefined) return { id: present, sentLayers: 0, presentLayers: image.layers.length, sentBytes: 0, notes: [] }
    return await loadMissing(job, image)
  } catch (thrown) {
    throw signal.aborted ? signal.reason : notBrought(thrown, manifest.annotations?.['io.containerd.image.name'] ?? manifest.digest, engine)
  }
}

/**
 * The engine's id of the image that has this config and layers, if it is there whole. A containerd store that cannot say
 * what it holds (API before 1.48) has none.
 */
export async function findImage(engine: Engine, image: ImageContent, signal: AbortSignal): Promise<string | undefined> {
  if (engine.facts.store === 'graphdriver') return (await findById(engine, digestOf(image.config), image, signal))?.id
  if (!knowsAvailability(engine)) return undefined
  const ids = new Set((await engine.images.list({ signal })).map(({ Id }) => Id))
  const found = await Promise.all([...ids].map(async id => findById(engine, id, image, signal)))
  return found.find(each => each?.isTwin === true)?.id
}

/** The quick way on a containerd store, whose ids are digests of manifests. */
async function findByManifest(engine: Engine, image: ImageToLoad, signal: AbortSignal): Promise<string | undefined> {
  return knowsAvailability(engine) ? (await findById(engine, image.descriptor.digest, image, signal))?.id : undefined
}

async function findById(engine: Engine, id: string, image: ImageContent, signal: AbortSignal): Promise<{ id: string; isTwin: boolean } | undefined> {
  const found = await unlessMissing(inspectImage(engine, id, signal))
  const isSame = found !== undefined && differenceFrom(image, found) === undefined && isWhole(engine, image, found)
  return isSame ? { id: found.Id, isTwin: wasMadeWith(image, found) } : undefined
}

async function loadMissing(job: LoadJob, image: ImageToLoad): Promise<LoadedImage> {
  await using known = await layersOnEngine(job, image.layers)
  return await loadTar(job, known.isPresent, (isPresent, tag) => planImageTar(job.blobs, job.engine.facts, image, isPresent, tag, job.signal))
}
