import type { JournalEntry } from '../../pipeline/journal.ts'
import { nameOf } from '../../engine/spec/spec-record.ts'
import type { MigrateJob, Move } from '../migration.ts'
import { whileTransferring } from '../reporter.ts'
import { commitChanges } from './capture-image.ts'
import { giveNames } from './image-names.ts'
import type { LoadedImage } from './load-image.ts'

export type SentImages = {
  /** By the container's id on the source: what it is made from on the target. */
  readonly wanted: ReadonlyMap<string, string>
  readonly sentLayers: number
  readonly presentLayers: number
  readonly sentBytes: number
  readonly notes: readonly string[]
  readonly entries: readonly JournalEntry[]
}

const nothing: SentImages = { wanted: new Map(), sentLayers: 0, presentLayers: 0, sentBytes: 0, notes: [], entries: [] }

export type ImagesJob = MigrateJob & { readonly moves: readonly Move[] }

/** The images that the containers were created from, missing layers only, under their own names where those mean nothing else. */
export async function sendImages(job: ImagesJob): Promise<SentImages> {
  const { run, target } = job
  let sent = nothing
  const loadedById = new Map<string, LoadedImage>()
  for (const { spec: { inspect, images } } of job.moves) {
    const names = images[0]?.names ?? []
    const loaded = loadedById.get(inspect.Image) ?? await sendOne(job, inspect.Image, `image ${names[0] ?? inspect.Image.slice(0, 19)}`)
    const taken = await giveNames(run, target, loaded.id, names)
    const notes = taken.map(name => `the name "${name}" means another image on the target: it is left as it is`)
    sent = plus(sent, inspect.Id, loadedById.has(inspect.Image) ? { ...loaded, sentLayers: 0, presentLayers: 0, sentBytes: 0, notes: [] } : loaded, notes)
    loadedById.set(inspect.Image, loaded)
  }
  return sent
}

/** What the writable layers held when the containers had come to rest, each as a commit of its own, if they held anything. */
export async function sendChanges(job: ImagesJob & { readonly images: SentImages }): Promise<SentImages> {
  let sent = job.images
  for (const { spec: { inspect } } of job.moves) {
    const ref = await commitChanges({ run: job.run, engine: job.source, container: inspect, signal: job.run.signal })
    if (ref !== undefined) sent = plus(sent, inspect.Id, await sendOne(job, ref, `writable layer of ${nameOf(inspect)}`), [])
  }
  return sent
}

async function sendOne({ run, source, target, options }: ImagesJob, ref: string, name: string): Promise<LoadedImage> {
  return await whileTransferring(run.reporter, name, transfer => options.route({ run, source, target, transfer, signal: run.signal }, ref))
}

function plus(sent: SentImages, container: string, loaded: LoadedImage, notes: readonly string[]): SentImages {
  return {
    wanted: new Map([...sent.wanted, [container, loaded.id]]),
    sentLayers: sent.sentLayers + loaded.sentLayers,
    presentLayers: sent.presentLayers + loaded.presentLayers,
    sentBytes: sent.sentBytes + loaded.sentBytes,
    notes: [...sent.notes, ...loaded.notes, ...notes],
    entries: [...sent.entries, ...(loaded.journalEntry === undefined ? [] : [loaded.journalEntry])],
  }
}
