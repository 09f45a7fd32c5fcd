/** Brings an image of a repository onto an engine, sending only the layers that it lacks. */
import type { Engine } from '../../engine/engine.ts'
import { unlessMissing } from '../../engine/unless-missing.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { Journal, JournalEntry } from '../../pipeline/journal.ts'
import type { BlobReader } from '../../store/blob-reader.ts'
import { digestOf } from '../../store/digest.ts'
import { mostManifestBytes } from '../../store/documents.ts'
import { readImage, type StoredImage } from '../../store/image-store.ts'
import type { Descriptor } from '../../store/oci.ts'
import type { Transfer } from '../reporter.ts'
import { layersOnEngine } from './engine-layers.ts'
import { differenceFrom, inspectImage, isWhole, knowsAvailability, wasMadeWith } from './image-match.ts'
import { planImageTar, type ImageTar, type ImageToLoad } from './image-tar.ts'
import { recordTemporaryTag, removeTemporaryTag, type TemporaryTag } from './temporary-tag.ts'

export type LoadJob = { readonly engine: Engine; readonly blobs: BlobReader; readonly journal: Journal; readonly run: string; readonly transfer: Transfer; readonly signal: AbortSignal }

export type LoadedImage = {
  /** The engine's own id of it: the config's digest on a graphdriver, the manifest's on the containerd store. */
  readonly id: string
  /** The name that holds it until the caller has given it others; undefined if the image was there already. */
  readonly temporaryName?: string
  /** Of the temporary name: to be settled when that is removed. */
  readonly journalEntry?: JournalEntry
  readonly sentLayers: number
  readonly presentLayers: number
  /** Of every attempt. */
  readonly sentBytes: number
  /** Layers that had to be sent although they seemed to be there, with the reason. */
  readonly notes: readonly string[]
}

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
    throw signal.aborted ? signal.reason : naming(thrown, manifest, engine)
  }
}

/**
 * The engine's id of the image that has this config and layers, if it is there whole. A containerd store that cannot say
 * what it holds (API before 1.48) has none.
 */
export async function findImage(engine: Engine, image: StoredImage, signal: AbortSignal): Promise<string | undefined> {
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

async function findById(engine: Engine, id: string, image: StoredImage, signal: AbortSignal): Promise<{ id: string; isTwin: boolean } | undefined> {
  const found = await unlessMissing(inspectImage(engine, id, signal))
  const isSame = found !== undefined && differenceFrom(image, found) === undefined && isWhole(engine, image, found)
  return isSame ? { id: found.Id, isTwin: wasMadeWith(image, found) } : undefined
}

async function loadMissing(job: LoadJob, image: ImageToLoad): Promise<LoadedImage> {
  await using known = await layersOnEngine(job, image)
  const tag = await recordTemporaryTag(job, 'image')
  const load = new Load(job, image, tag)
  try {
    return await load.run(known.isPresent)
  } catch (thrown) {
    await load.discard()
    throw thrown
  }
}

class Load {
  private readonly job: LoadJob
  private readonly image: ImageToLoad
  private readonly tag: TemporaryTag
  private sentBytes = 0
  private readonly notes: string[] = []
  /** The engine had the whole tar and was not heard of again: it may still be making the image. */
  private isUndecided = false

  constructor(job: LoadJob, image: ImageToLoad, tag: TemporaryTag) {
    this.job = job
    this.image = image
    this.tag = tag
  }

  async run(isPresent: readonly boolean[]): Promise<LoadedImage> {
    if (!isPresent.includes(true)) return await this.attempt([])
    try {
      return await this.attempt(isPresent)
    } catch (thrown) {
      if (this.job.signal.aborted || !(thrown instanceof DrayError && thrown.code === 'refused')) throw thrown
      this.notes.push(`the layers that "${this.job.engine.address}" seemed to have were sent again: ${thrown.message}`)
      return await this.attempt([])
    }
  }

  private async attempt(isPresent: readonly boolean[]): Promise<LoadedImage> {
    const { image, tag, notes, job: { engine, blobs, transfer, signal } } = this
    const tar = await planImageTar(blobs, engine.facts, image, isPresent, tag, signal)
    const { sentLayers } = tar
    transfer.expect(this.sentBytes + tar.bytes)
    await this.send(tar)
    signal.throwIfAborted()
    const id = await this.readBack()
    return { id, temporaryName: tag.ref, journalEntry: tag.entry, sentLayers, presentLayers: image.layers.length - sentLayers, sentBytes: this.sentBytes, notes }
  }

  private async send(tar: ImageTar): Promise<void> {
    const { engine, transfer, signal } = this.job
    const stopped = new AbortController()
    const sent = { isComplete: false }
    const stop = (): void => {
      if (!sent.isComplete) stopped.abort(signal.reason)
    }
    signal.throwIfAborted()
    signal.addEventListener('abort', stop)
    const onBytes = (bytes: number): void => {
      this.sentBytes += bytes
      transfer.add(bytes)
    }
    try {
      await engine.images.load(tar.open(onBytes, () => (sent.isComplete = true)), { signal: stopped.signal })
    } catch (thrown) {
      this.isUndecided = sent.isComplete && thrown instanceof DrayError && thrown.code === 'engine-unreachable'
      throw thrown
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  private async readBack(): Promise<string> {
    const { image, tag, job: { engine, signal } } = this
    const found = await inspectImage(engine, tag.ref, signal)
    const expectedId = engine.facts.store === 'graphdriver' ? digestOf(image.config) : image.descriptor.digest
    const difference = found.Id === expectedId ? differenceFrom(image, found) : `it became "${found.Id}" instead of "${expectedId}"`
    if (difference !== undefined) throw new DrayError('refused', `what the engine made of it is not the image: ${difference}`)
    if (!isWhole(engine, image, found)) throw new DrayError('refused', 'the engine says that parts of it are missing')
    return found.Id
  }

  /** Has no signal, as it runs after an abort. Where the engine may still be making the image, the entry stays open. */
  async discard(): Promise<void> {
    const { engine } = this.job
    if (this.isUndecided) await engine.images.remove(this.tag.ref).catch(() => undefined)
    else await removeTemporaryTag(this.job, this.tag)
  }
}

function naming(thrown: unknown, { digest, annotations }: Descriptor, engine: Engine): unknown {
  if (!(thrown instanceof DrayError) || !['damaged', 'refused', 'io-failed'].includes(thrown.code)) return thrown
  const name = annotations?.['io.containerd.image.name'] ?? digest
  return new DrayError(thrown.code, `image "${name}" cannot be brought to "${engine.address}": ${thrown.message}`, { hints: thrown.hints, cause: thrown })
}
