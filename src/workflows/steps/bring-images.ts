import type { Engine } from '../../engine/engine.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { BlobReader } from '../../store/blob-reader.ts'
import type { StoredImageFacts } from '../container-spec.ts'
import type { StoredContainer } from '../restore-plan.ts'
import { whileTransferring } from '../reporter.ts'
import type { Run } from '../run.ts'
import { findImageByName, giveNames } from './image-names.ts'
import { loadImage, type LoadedImage } from './load-image.ts'

export type BroughtImages = {
  /** What the container is made from. */
  readonly wantedId: string
  readonly sentLayers: number
  readonly presentLayers: number
  readonly sentBytes: number
  readonly notes: readonly string[]
  /** Images that could not be brought because they are damaged, as asked with --skip-damaged. */
  readonly lost: readonly string[]
}

type Brought = Omit<BroughtImages, 'wantedId'> & { readonly loaded: readonly (LoadedImage & { readonly facts: StoredImageFacts })[] }

export type BringJob = { readonly run: Run; readonly engine: Engine; readonly blobs: BlobReader; readonly stored: StoredContainer; readonly imageRef: string }

/**
 * Brings the backup's images, missing layers only. The original comes back under its own names, without moving one that means
 * something else; what the writable layer held has a temporary name until the end of the run, which the journal knows.
 */
export async function bringImages(job: BringJob): Promise<BroughtImages> {
  const { run, engine, stored: { spec }, imageRef } = job
  const { loaded, lost, ...brought } = await bringAll(job, spec.images.filter(({ role, names }) => role !== 'changed' || names.length > 0))
  const wanted = (['commit', 'flattened', 'original'] as const).map(role => loaded.find(({ facts }) => facts.role === role)).find(image => image !== undefined)
  const wantedId = wanted?.id ?? (await findImageByName(engine, imageRef, run.signal))?.Id
  if (wantedId === undefined) throw lost.length > 0 ? damagedImage(imageRef, engine, lost) : noImage(imageRef, engine)
  const notes = wanted === undefined && lost.length > 0 ? [`the container is made from the image "${imageRef}" that the target has: the backup's is damaged`] : []
  return { ...brought, lost, wantedId, notes: [...notes, ...brought.notes] }
}

/** The images that a container was made from, without what its writable layer held. */
export async function bringOriginals(job: Omit<BringJob, 'imageRef'>): Promise<Omit<BroughtImages, 'wantedId'>> {
  const { loaded, ...brought } = await bringAll(job, job.stored.spec.images.filter(({ role }) => role === 'original'))
  if (loaded.length === 0 && brought.lost.length === 0) throw new DrayError('not-found', `backup "${job.stored.backup.id}" holds no image that has a name`, { hints: ['dray show shows what it holds'] })
  return brought
}

/** The one that the target has by that name. */
export async function findImage({ run, engine, imageRef }: BringJob): Promise<BroughtImages> {
  const found = await findImageByName(engine, imageRef, run.signal)
  if (found === undefined) throw new DrayError('not-found', `"${engine.address}" has no image named "${imageRef}", and --only spec brings none`, { hints: ['bring it first, by the same command with --only image', `docker pull ${imageRef}`] })
  return { wantedId: found.Id, sentLayers: 0, presentLayers: 0, sentBytes: 0, notes: ['the image that the target has by that name: only the spec was asked for'], lost: [] }
}

async function bringAll(job: Omit<BringJob, 'imageRef'>, images: readonly StoredImageFacts[]): Promise<Brought> {
  const { run, engine, stored: { spec } } = job
  const loaded: (LoadedImage & { readonly facts: StoredImageFacts })[] = []
  const notes: string[] = []
  const lost: string[] = []
  for (const facts of images) {
    const image = await bring(job, facts).catch((thrown: unknown) => {
      if (!job.stored.skipsDamaged || run.signal.aborted || !isDamage(thrown)) throw thrown
      lost.push(`${labelOf(facts)}: ${thrown.message}`)
    })
    if (image !== undefined) loaded.push({ ...image, facts })
  }
  for (const { id, facts } of loaded) {
    for (const name of await giveNames(run, engine, id, facts.names)) notes.push(`the name "${name}" means another image on the target: it is left as it is`)
  }
  const made = loaded.find(({ facts }) => facts.role === 'original')
  if (made !== undefined && isMadeAnew(spec, made.id)) notes.push('the image has another id in this engine\'s store: "docker compose up -d" may create the container anew')
  const sum = (count: (image: LoadedImage) => number): number => loaded.reduce((total, image) => total + count(image), 0)
  return {
    loaded,
    sentLayers: sum(({ sentLayers }) => sentLayers),
    presentLayers: sum(({ presentLayers }) => presentLayers),
    sentBytes: sum(({ sentBytes }) => sentBytes),
    notes: [...notes, ...loaded.flatMap(image => image.notes)],
    lost,
  }
}

/** Compose remembers the id of the image that a container was made from. */
function isMadeAnew({ inspect }: StoredContainer['spec'], id: string): boolean {
  const remembered = inspect.Config.Labels?.['com.docker.compose.image']
  return remembered !== undefined && remembered === inspect.Image && remembered !== id
}

export function noImage(ref: string, { address }: Engine): DrayError {
  return new DrayError('not-found', `the backup holds no image, and "${address}" has none named "${ref}"`, { hints: [`bring it there first: docker pull ${ref}`] })
}

function damagedImage(ref: string, { address }: Engine, lost: readonly string[]): DrayError {
  return new DrayError('damaged', `the backup's image is damaged, and "${address}" has none named "${ref}": ${lost.join('; ')}`, {
    hints: [`bring it there and run the same command again, for the data and the settings: docker pull ${ref}`, 'or restore an older backup: dray list'],
  })
}

function isDamage(thrown: unknown): thrown is DrayError {
  return thrown instanceof DrayError && thrown.code === 'damaged'
}

async function bring({ run, engine, blobs, stored }: Omit<BringJob, 'imageRef'>, facts: StoredImageFacts): Promise<LoadedImage> {
  const { digest } = facts
  const descriptor = stored.contents.images.find(image => image.digest === digest)
  if (descriptor === undefined) throw new DrayError('damaged', `backup "${stored.backup.id}" lacks the image "${digest}" that its spec names`)
  return await whileTransferring(run.reporter, labelOf(facts), transfer => loadImage({ engine, blobs, journal: run.journal, run: run.id, transfer, signal: run.signal }, descriptor))
}

function labelOf({ role, names, digest }: StoredImageFacts): string {
  return role === 'commit' ? 'writable layer' : `image ${names[0] ?? digest.slice(0, 19)}`
}
