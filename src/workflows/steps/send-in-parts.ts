import { unlessMissing } from '../../engine/unless-missing.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { awaitEngine } from '../await-engine.ts'
import type { Transfer } from '../reporter.ts'
import { inspectImage } from './image-match.ts'
import { loadTar, type LoadedImage } from './load-tar.ts'
import { lowerLayers } from './lower-layers.ts'
import type { SourceImage } from './source-image.ts'
import type { StreamImageJob } from './stream-image.ts'
import type { TargetLayers } from './target-layers.ts'
import { removeTemporaryTag, type TemporaryTag } from './temporary-tag.ts'
import { planThinTar, type ThinTar } from './thin-image-tar.ts'

/** What is sent again after a loss is less than that and one layer. With half of it an image of 450 MB takes some 7 % longer between two engines of one machine. */
const partBytes = 128 * 1024 * 1024
/** While no part arrives. */
const mostLosses = 5

/** The layers up to `end` that the parts below do not have. */
type Part = { readonly end: number; readonly bytes: number }
type Present = TargetLayers['present']
/** The target keeps its layers for as long as it has the name. */
type ArrivedPart = Pick<TemporaryTag, 'ref' | 'entry'> & { readonly id: string; readonly present: Present }

/**
 * Sends an image in parts, from the bottom: each is an image of the layers so far under a temporary name, the last one is the image
 * itself. When a connection is lost, or an engine ends, it is waited for, and the part that was under way is sent again. The names
 * of the parts are gone when this ends, or in the journal. An image whose layers cannot be read singly is one part, and is sent once.
 */
export async function sendInParts(job: StreamImageJob, image: SourceImage, present: Present): Promise<LoadedImage> {
  const sendsOn = job.sendsOn === true && image.config !== undefined
  const sending = new Sending(job, image, present, sendsOn ? await divide(image, present) : [{ end: image.diffIds.length, bytes: 0 }])
  try {
    return await sending.toItsEnd(sendsOn ? mostLosses : 0)
  } finally {
    await sending.forgetParts()
  }
}

async function divide(image: SourceImage, present: Present): Promise<readonly Part[]> {
  const parts: Part[] = []
  let bytes = 0
  for (const [at, diffId] of image.diffIds.entries()) {
    if (present[at] === undefined) bytes += (await image.sizes(new Set([diffId]))).bytes
    const end = at + 1
    if (bytes < partBytes && end < image.diffIds.length) continue
    parts.push({ end, bytes })
    bytes = 0
  }
  return parts
}

class Sending {
  readonly #job: StreamImageJob
  readonly #image: SourceImage
  readonly #presentAtFirst: Present
  readonly #parts: readonly Part[]
  readonly #arrived: ArrivedPart[] = []
  readonly #notes: string[] = []
  #sentLayers = 0
  #sentBytes = 0
  #losses = 0

  constructor(job: StreamImageJob, image: SourceImage, present: Present, parts: readonly Part[]) {
    this.#job = job
    this.#image = image
    this.#presentAtFirst = present
    this.#parts = parts
  }

  async toItsEnd(most: number): Promise<LoadedImage> {
    for (;;) {
      try {
        const loaded = await this.#sendRest()
        const { length } = this.#image.diffIds
        const sentLayers = Math.min(this.#sentLayers, length)
        return { ...loaded, sentLayers, presentLayers: length - sentLayers, sentBytes: this.#sentBytes, notes: this.#notes }
      } catch (thrown) {
        if (this.#job.signal.aborted || !isLoss(thrown) || this.#losses >= most) throw thrown
        this.#losses += 1
        await this.#untilBack(thrown)
      }
    }
  }

  /** An engine that ends meanwhile may have taken the name off an image, and still have the image. What cannot be removed stays open in the journal. */
  async forgetParts(): Promise<void> {
    const { run: { reporter }, target: { images }, target, signal } = this.#job
    const remove = async ({ id, ref }: ArrivedPart): Promise<void> => {
      await images.remove(ref)
      const left = await unlessMissing(images.inspect(id))
      if (left !== undefined && (left.RepoTags ?? []).length === 0) await images.remove(id)
    }
    for (const part of this.#arrived.splice(0)) await removeTemporaryTag(this.#loadJob, part, () => awaitEngine(target, () => remove(part), text => reporter.warn(text), { signal }))
  }

  async #sendRest(): Promise<LoadedImage> {
    if (this.#losses > 0) await this.#expectArrived()
    for (;;) {
      const at = this.#arrived.length
      const laterBytes = this.#parts.slice(at + 1).reduce((sum, { bytes }) => sum + bytes, 0)
      const { loaded, present } = await this.#send(this.#parts[at]?.end ?? this.#image.diffIds.length, laterBytes)
      this.#losses = 0
      this.#sentLayers += loaded.sentLayers
      this.#notes.push(...loaded.notes)
      const { id, temporaryName: ref, journalEntry: entry } = loaded
      if (at + 1 >= this.#parts.length || ref === undefined || entry === undefined) return loaded
      this.#arrived.push({ id, ref, entry, present })
    }
  }

  async #send(end: number, laterBytes: number): Promise<{ readonly loaded: LoadedImage; readonly present: Present }> {
    const { target: { facts }, signal } = this.#job
    const image = lowerLayers(this.#image, end)
    const there = this.#present.slice(0, end)
    const tars: ThinTar[] = []
    const loaded = await loadTar({ ...this.#loadJob, transfer: this.#transfer(laterBytes) }, there.map(each => each !== undefined), async (isPresent, tag) => {
      const tar = await planThinTar({ source: image, facts, tag, signal, present: there.map((each, at) => (isPresent[at] === true ? each : undefined)) })
      tars.push(tar)
      return tar
    })
    const blobs = tars.at(-1)?.image().blobs ?? []
    return { loaded, present: this.#presentAtFirst.map((each, at) => (at >= end ? each : facts.store === 'graphdriver' ? 'by chain' : blobs[at])) }
  }

  get #present(): Present {
    return this.#arrived.at(-1)?.present ?? this.#presentAtFirst
  }

  get #loadJob() {
    const { run, target, transfer, signal } = this.#job
    return { engine: target, journal: run.journal, run: run.id, transfer, signal }
  }

  #transfer(laterBytes: number): Transfer {
    const { transfer } = this.#job
    const sentBefore = this.#sentBytes
    const add = (bytes: number): void => {
      this.#sentBytes += bytes
      transfer.add(bytes)
    }
    return { add, expect: bytes => transfer.expect(sentBefore + bytes + laterBytes), end: () => undefined }
  }

  async #untilBack({ message }: DrayError): Promise<void> {
    const { run: { reporter }, source, target, signal } = this.#job
    const below = this.#parts[this.#arrived.length - 1]?.end ?? 0
    reporter.warn(`${message}: the image is sent on from its layer ${below + 1} of ${this.#image.diffIds.length}`)
    for (const engine of [source, target]) await awaitEngine(engine, () => engine.clock({ signal }), text => reporter.warn(text), { purpose: 'to send the image on', signal })
  }

  /** Somebody may have removed what nothing seemed to need: then all of it is sent again. */
  async #expectArrived(): Promise<void> {
    const { target, signal } = this.#job
    const highest = this.#arrived.at(-1)
    if (highest !== undefined && (await unlessMissing(inspectImage(target, highest.ref, signal))) === undefined) await this.forgetParts()
  }
}

function isLoss(thrown: unknown): thrown is DrayError {
  return thrown instanceof DrayError && thrown.code === 'engine-unreachable'
}
