import type { Engine } from '../../engine/engine.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { Journal, JournalEntry } from '../../pipeline/journal.ts'
import { digestOf } from '../../store/digest.ts'
import type { Transfer } from '../reporter.ts'
import { differenceFrom, inspectImage, isWhole } from './image-match.ts'
import type { ImageTar } from './image-tar.ts'
import { recordTemporaryTag, removeTemporaryTag, type TemporaryTag } from './temporary-tag.ts'

export type LoadTarJob = { readonly engine: Engine; readonly journal: Journal; readonly run: string; readonly transfer: Transfer; readonly signal: AbortSignal }

/** The tar of an image without the layers that are present. */
export type TarPlanner = (isPresent: readonly boolean[], tag: TemporaryTag) => Promise<ImageTar>

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
 * Loads the planned tar under a temporary name, reads the image back and compares. An engine that refuses it without the layers
 * that seemed to be there gets all of them. When this throws, nothing of the image is left, or the journal knows it.
 */
export async function loadTar(job: LoadTarJob, isPresent: readonly boolean[], plan: TarPlanner): Promise<LoadedImage> {
  const load = new Load(job, plan, await recordTemporaryTag(job, 'image'))
  try {
    return await load.run(isPresent)
  } catch (thrown) {
    await load.discard()
    throw thrown
  }
}

class Load {
  private readonly job: LoadTarJob
  private readonly plan: TarPlanner
  private readonly tag: TemporaryTag
  private sentBytes = 0
  private readonly notes: string[] = []
  /** The engine had the whole tar and was not heard of again: it may still be making the image. */
  private isUndecided = false

  constructor(job: LoadTarJob, plan: TarPlanner, tag: TemporaryTag) {
    this.job = job
    this.plan = plan
    this.tag = tag
  }

  async run(isPresent: readonly boolean[]): Promise<LoadedImage> {
    if (!isPresent.includes(true)) return await this.attempt(isPresent)
    try {
      return await this.attempt(isPresent)
    } catch (thrown) {
      if (this.job.signal.aborted || !(thrown instanceof DrayError && thrown.code === 'refused')) throw thrown
      this.notes.push(`the layers that "${this.job.engine.address}" seemed to have were sent again: ${thrown.message}`)
      return await this.attempt(isPresent.map(() => false))
    }
  }

  private async attempt(isPresent: readonly boolean[]): Promise<LoadedImage> {
    const { tag, notes, job: { transfer, signal } } = this
    const tar = await this.plan(isPresent, tag)
    const { sentLayers } = tar
    if (tar.bytes !== undefined) transfer.expect(this.sentBytes + tar.bytes)
    await this.send(tar)
    signal.throwIfAborted()
    const id = await this.readBack(tar.image())
    return { id, temporaryName: tag.ref, journalEntry: tag.entry, sentLayers, presentLayers: isPresent.length - sentLayers, sentBytes: this.sentBytes, notes }
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
    const archive = tar.open(onBytes, () => (sent.isComplete = true))
    const closed = new Promise<void>(resolve => void archive.once('close', resolve))
    try {
      await engine.images.load(archive, { signal: stopped.signal })
    } catch (thrown) {
      this.isUndecided = sent.isComplete && thrown instanceof DrayError && thrown.code === 'engine-unreachable'
      throw thrown
    } finally {
      signal.removeEventListener('abort', stop)
      // its source may have made something for it, which it removes
      await closed
    }
  }

  private async readBack(image: ReturnType<ImageTar['image']>): Promise<string> {
    const { tag, job: { engine, signal } } = this
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

/** The same failure, saying which image and where to. */
export function notBrought(thrown: unknown, name: string, engine: Engine): unknown {
  if (!(thrown instanceof DrayError) || !['damaged', 'refused', 'io-failed'].includes(thrown.code)) return thrown
  return new DrayError(thrown.code, `image "${name}" cannot be brought to "${engine.address}": ${thrown.message}`, { hints: thrown.hints, cause: thrown })
}
