import type { JournalEntry } from '../../pipeline/journal.ts'
import { messageOf } from '../../errors/dray-error.ts'
import { nameOf } from '../../engine/spec/spec-record.ts'
import type { MigrateJob, Move } from '../migration.ts'
import { whileTransferring } from '../reporter.ts'
import { familiarName } from '../../engine/image-reference.ts'
import { commitChanges } from './capture-image.ts'
import { findBelow } from './capture-original.ts'
import { giveNames } from './image-names.ts'
import { isImageLost } from './lost-image.ts'
import type { LoadedImage } from './load-tar.ts'
import { streamFlattened } from './stream-flattened.ts'

export type SentImages = {
  /** By the container's id on the source: what it is made from on the target. */
  readonly wanted: ReadonlyMap<string, string>
  readonly sentLayers: number
  readonly presentLayers: number
  readonly sentBytes: number
  readonly notes: readonly string[]
  readonly entries: readonly JournalEntry[]
  /** Why the source does not have a container's image whole, by the container's id: its files are sent instead, when it rests. */
  readonly lost: ReadonlyMap<string, string>
}

const nothing: SentImages = { wanted: new Map(), sentLayers: 0, presentLayers: 0, sentBytes: 0, notes: [], entries: [], lost: new Map() }

export type ImagesJob = MigrateJob & { readonly moves: readonly Move[] }

/** The images that the containers were created from, missing layers only, under their own names where those mean nothing else. */
export async function sendImages(job: ImagesJob): Promise<SentImages> {
  const { run, target } = job
  let sent = nothing
  const loadedById = new Map<string, LoadedImage>()
  for (const move of job.moves) {
    const { spec: { inspect, images } } = move
    const names = images[0]?.names ?? []
    const loaded = loadedById.get(inspect.Image) ?? await sendUnlessLost(job, move, `image ${names[0] ?? inspect.Image.slice(0, 19)}`)
    if ('because' in loaded) {
      sent = { ...sent, lost: new Map([...sent.lost, [inspect.Id, loaded.because]]) }
      continue
    }
    const taken = await giveNames(run, target, loaded.id, names)
    const notes = taken.map(name => `the name "${name}" means another image on the target: it is left as it is`)
    sent = plus(sent, inspect.Id, loadedById.has(inspect.Image) ? { ...loaded, sentLayers: 0, presentLayers: 0, sentBytes: 0, notes: [] } : loaded, notes)
    loadedById.set(inspect.Image, loaded)
    sent = withNotes(sent, await sendOriginal(job, move))
  }
  return sent
}

async function sendUnlessLost(job: ImagesJob, { spec: { inspect, image } }: Move, name: string): Promise<LoadedImage | { readonly because: string }> {
  if (image === undefined) return { because: `the image of container "${nameOf(inspect)}" is gone from the source` }
  try {
    return await sendOne(job, inspect.Image, name, { sendsOn: true })
  } catch (thrown) {
    job.run.signal.throwIfAborted()
    if (!isImageLost(thrown)) throw thrown
    return { because: `the image of container "${nameOf(inspect)}" is incomplete on the source (${messageOf(thrown)})` }
  }
}

/** A container that was made from a commit before has its name from the image below: that comes along under its name. Its layers are there already. */
async function sendOriginal(job: ImagesJob, { spec }: Move): Promise<string[]> {
  const { run, source, target } = job
  const used = spec.inspect.Config.Image
  const below = spec.image === undefined ? undefined : await findBelow({ engine: source, run }, spec, spec.image)
  if (below === undefined) return []
  const { id, notes } = await sendOne(job, below.Id, `image ${used}`, { sendsOn: true })
  const taken = await giveNames(run, target, id, [familiarName(used)])
  return [...notes, ...taken.map(name => `the name "${name}" means another image on the target: it is left as it is`)]
}

function withNotes(sent: SentImages, notes: readonly string[]): SentImages {
  return { ...sent, notes: [...sent.notes, ...notes] }
}

/** What the writable layers held when the containers had come to rest, each as a commit of its own, if they held anything. */
export async function sendChanges(job: ImagesJob & { readonly images: SentImages }): Promise<SentImages> {
  let sent = job.images
  for (const { spec: { inspect } } of job.moves) {
    const because = sent.lost.get(inspect.Id)
    if (because !== undefined) {
      const { run, source, target } = job
      sent = plus(sent, inspect.Id, await whileTransferring(run.reporter, `files of ${nameOf(inspect)}`, transfer => streamFlattened({ run, source, target, transfer, signal: run.signal }, inspect, because)), [])
      continue
    }
    const ref = await commitChanges({ run: job.run, engine: job.source, container: inspect, signal: job.run.signal })
    if (ref !== undefined) sent = plus(sent, inspect.Id, await sendOne(job, ref, `writable layer of ${nameOf(inspect)}`), [])
  }
  return sent
}

async function sendOne({ run, source, target, options }: ImagesJob, ref: string, name: string, { sendsOn } = { sendsOn: false }): Promise<LoadedImage> {
  return await whileTransferring(run.reporter, name, transfer => options.route({ run, source, target, transfer, signal: run.signal, sendsOn }, ref))
}

function plus(sent: SentImages, container: string, loaded: LoadedImage, notes: readonly string[]): SentImages {
  return {
    ...sent,
    wanted: new Map([...sent.wanted, [container, loaded.id]]),
    sentLayers: sent.sentLayers + loaded.sentLayers,
    presentLayers: sent.presentLayers + loaded.presentLayers,
    sentBytes: sent.sentBytes + loaded.sentBytes,
    notes: [...sent.notes, ...loaded.notes, ...notes],
    entries: [...sent.entries, ...(loaded.journalEntry === undefined ? [] : [loaded.journalEntry])],
  }
}
