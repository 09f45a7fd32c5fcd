/**
 * Backs containers up, whole: spec, image and writable layer, every mount. Two passes over the data: the first while they run,
 * the second while they rest, all at one time, reading only what has changed since.
 */
import type { ContainerInspect } from '../engine/api-types.ts'
import type { Engine } from '../engine/engine.ts'
import type { ReaderKind } from '../mounts/mount-access.ts'
import { Pipeline } from '../pipeline/pipeline.ts'
import { BlobsGone } from '../store/backup-graph.ts'
import type { BackupSummary } from '../store/backup-summary.ts'
import { ChunkStore } from '../store/chunk-store.ts'
import type { Repository } from '../store/repository.ts'
import { nameOf } from '../engine/spec/spec-record.ts'
import type { OwnerLock } from '../files/owner-lock.ts'
import { allOrNone } from './all-or-none.ts'
import { toReport, type BackupReport } from './backup-report.ts'
import type { CaptureReport } from './mount-content.ts'
import { noDataRestorer, putAllRight } from './put-right.ts'
import { SharedImages } from './shared-images.ts'
import { temporaryJournal, type Run, type TemporaryJournal } from './run.ts'
import { announceCommit, captureFlattened, captureWritableLayer, type CapturedImage, type CommitWishes, type ImageSource, type WritableLayerCapture } from './steps/capture-image.ts'
import { captureOriginal, type Original } from './steps/capture-original.ts'
import { captureDumps, type CapturedDump } from './steps/capture-dump.ts'
import { findBase, mountsOfAll, readBase, type Base } from './steps/find-base.ts'
import { chooseFreeze, type Consistency } from './steps/freeze.ts'
import { holdMemory } from './steps/hold-memory.ts'
import { lookAtContainers, type Member, type Obeyed } from './steps/look-at-containers.ts'
import { mergeMounts, type MergedMounts } from './steps/merge-mounts.ts'
import { readAtRest, type RestedTogether } from './steps/read-at-rest.ts'
import { closeMounts, openMounts, prepareChanges, readChanges, readMounts, type MountsReading, type OpenMount } from './steps/read-mounts.ts'
import { runPostHooks, runPreHooks } from './steps/run-hooks.ts'
import { storeWritableLayer } from './steps/store-writable-layer.ts'
import { openWritableLayer, type WritableLayer } from './steps/writable-layer.ts'
import { writeBackup } from './steps/write-backup.ts'

export type BackupOptions = {
  /** Ids or names: they rest at one time, and are one backup. */
  readonly containers: readonly string[]
  readonly consistency: Consistency
  readonly obeys?: Obeyed
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  readonly reader: 'auto' | ReaderKind
  readonly withImage: boolean
  readonly tags: readonly string[]
  readonly imageTags: readonly string[]
  readonly commit: Omit<CommitWishes, 'names'>
  /** Of this program, for the spec. */
  readonly version: string
}

export type BackupJob = {
  /** Of several that go on beside each other, each has a part of the journal. */
  readonly run: Run
  readonly engine: Engine
  readonly repository: Repository
  readonly lock: OwnerLock
  readonly options: BackupOptions
  /** Of all backups of the run. */
  readonly images?: SharedImages
  /** Backups of this run that may hold volumes of these containers: they are not read once more. */
  readonly earlier?: readonly BackupSummary[]
}

/** The migration of data into the repository, step by step. Nothing of ours stays on the engine, whatever happens. */
export const backupPipeline = Pipeline.named<BackupJob>('backup')
  .step('look at the container', lookAt, { cleanup: { name: 'what was made on the engine', run: putBack } })
  .step('find what is stored already', findStored)
  .step('store its image, open its mounts', storeAndOpen, { cleanup: { name: 'the readers of its mounts', run: ({ opened }) => closeMounts(opened) } })
  .step('run its hooks and dumps', prepare)
  .step('read its mounts', firstPass)
  .step('read what has changed, while it rests', secondPass)
  .act('run its hooks after that', runPostHooks)
  .step('store its writable layer', storeImages)
  .step('write the backup', async state => ({ backup: await writeBackup(state) }))

export async function backUpContainers(job: BackupJob): Promise<BackupReport> {
  const startedAt = performance.now()
  const { state } = await runPipeline(job)
  const report = toReport(state, performance.now() - startedAt)
  for (const text of report.surprises) job.run.reporter.warn(text)
  return report
}

/** A blob that was counted as present and was moved aside meanwhile, because it is bad, is stored when all is done once more. */
async function runPipeline(job: BackupJob): ReturnType<typeof backupPipeline.run> {
  const context = { signal: job.run.signal, observer: job.run.reporter }
  try {
    return await backupPipeline.run(job, context)
  } catch (thrown) {
    if (!(thrown instanceof BlobsGone)) throw thrown
    job.run.reporter.warn(`${thrown.message}: a check has moved what is bad aside meanwhile; the backup is made once more, and stores them again`)
    return await backupPipeline.run(job, context)
  }
}

type Looked = BackupJob & { readonly members: readonly Member[]; readonly merged: MergedMounts; readonly temporary: TemporaryJournal }

async function lookAt({ run, engine, repository, options }: BackupJob): Promise<Omit<Looked, keyof BackupJob>> {
  const temporary = temporaryJournal(run, engine)
  const members = await lookAtContainers({ run, engine, obeys: 'labels', ...options, repositoryPath: repository.path, temporary })
  return { members, merged: mergeMounts(members.map(({ plan }) => plan.captured)), temporary }
}

/** What belongs to one container, by its id. */
type ById<Thing> = ReadonlyMap<string, Thing>
type Stored = Looked & { readonly bases: ById<Base>; readonly mountBase: Pick<Base, 'mountOf'>; readonly store: ChunkStore; readonly shared: SharedImages; readonly imageSource: ImageSource }

async function findStored({ run, engine, repository, members, earlier = [], images: shared = new SharedImages(repository) }: Looked): Promise<Omit<Stored, keyof Looked>> {
  const warn = (text: string): void => run.reporter.warn(text)
  const bases = await mapMembers(members, ({ spec }) => findBase(repository, engine.facts, nameOf(spec.inspect), warn))
  const others = await Promise.all(earlier.map(backup => readBase(repository, backup, backup.containers[0] ?? '', warn)))
  return { bases, mountBase: mountsOfAll([...bases.values(), ...others.filter(base => base !== undefined)]), store: new ChunkStore(repository), shared, imageSource: { run, engine, repository, images: shared.store } }
}

/** Side by side: what is stored waits for other things than the programs that start. */
async function storeAndOpen(state: Stored): Promise<Pick<Opened, 'originals' | 'opened' | 'layers'>> {
  const opening = openAll(state)
  try {
    const [stored, opened] = await allOrNone([storeOriginals(state), opening])
    return { ...stored, ...opened }
  } catch (thrown) {
    await opening.then(({ opened }) => closeMounts(opened), () => undefined)
    throw thrown
  }
}

async function storeOriginals({ run, engine, options, members, shared, imageSource }: Stored): Promise<{ originals: ById<Original> }> {
  if (!options.withImage) return { originals: new Map() }
  return {
    originals: await mapMembers(members, async ({ spec }) => {
      const original = await shared.inTurn(engine, () => captureOriginal(imageSource, spec))
      if ('lost' in original) run.reporter.warn(`${original.lost}: its root file system is stored as one layer instead${options.commit.changes.length > 0 ? ', without what --change asks for' : ''}`)
      return original
    }),
  }
}

type Opened = Stored & { readonly originals: ById<Original>; readonly opened: readonly OpenMount[]; readonly layers: ById<WritableLayer> }

async function openAll({ run, engine, options, members, merged, mountBase, temporary }: Stored): Promise<Pick<Opened, 'opened' | 'layers'>> {
  for (const { spec, wanted } of members) if (chooseFreeze(spec.inspect, wanted) === 'stop') await holdMemory({ run, engine, temporary }, spec.volumes.map(({ Name }) => Name))
  const layers = await mapMembers(options.withImage ? members : [], ({ spec }) => openWritableLayer({ engine, container: spec.inspect, run: run.id, journal: temporary, signal: run.signal }))
  return { layers, opened: await openMounts({ run, engine, mounts: merged.mounts, reader: options.reader, base: mountBase, temporary }) }
}

type Prepared = Opened & { readonly dumps: readonly CapturedDump[] }

async function prepare(state: Opened): Promise<{ dumps: readonly CapturedDump[] }> {
  await runPreHooks(state)
  return { dumps: await captureDumps(state) }
}

type Read = Prepared & { readonly first: readonly CaptureReport[] | undefined }

/** Where all rest already, or are not to be disturbed, everything is read once. */
async function firstPass(state: Prepared): Promise<{ first: readonly CaptureReport[] | undefined }> {
  const ways = state.members.map(({ spec, wanted }) => chooseFreeze(spec.inspect, wanted))
  return { first: ways.some(way => way === 'pause' || way === 'stop') ? await readMounts({ ...state, open: state.opened }) : undefined }
}

export type AtRest = Omit<RestedTogether<unknown>, 'result'> & { readonly reports: readonly CaptureReport[]; readonly writableLayers: ById<WritableLayerCapture | CapturedImage> }

/** While they rest, what has changed is only read; it is stored when they run again. */
async function secondPass(state: Read): Promise<{ atRest: AtRest }> {
  const { run, engine, members, options, first, originals } = state
  const job = { ...state, open: state.opened }
  for (const { spec: { inspect } } of members) if ('made' in (originals.get(inspect.Id) ?? {})) await announceCommit(run, engine, inspect, wishesOf(options))
  if (first !== undefined) await prepareChanges(job, first)
  let reading: MountsReading | undefined
  try {
    const { result, ...rest } = await readAtRest({ run, engine, members }, async containers => {
      await reading?.stored
      reading = first === undefined ? readAll(job) : readChanges(job, first)
      // Both have ended when this throws: neither works on while a container is let go.
      const [, writableLayers] = await allOrNone([reading.read, keepWritableLayers(state, containers)])
      return { reading, writableLayers }
    })
    return { atRest: { ...rest, reports: await result.reading.stored, writableLayers: result.writableLayers } }
  } finally {
    await reading?.stored.catch(() => undefined)
  }
}

function readAll(job: Parameters<typeof readMounts>[0]): MountsReading {
  const stored = readMounts(job)
  return { read: stored, stored }
}

function wishesOf({ commit, imageTags }: BackupOptions): CommitWishes {
  return { ...commit, names: imageTags }
}

async function keepWritableLayers({ run, engine, options, originals, imageSource, bases, layers }: Read, containers: readonly ContainerInspect[]): Promise<AtRest['writableLayers']> {
  const kept = await allOrNone(containers.map(async container => {
    const original = originals.get(container.Id)
    if (original === undefined) return undefined
    if ('lost' in original) return await captureFlattened(imageSource, container, original.lost, options.imageTags)
    return await captureWritableLayer({ run, engine, images: imageSource.images, container, wishes: wishesOf(options), base: bases.get(container.Id), layer: layers.get(container.Id), signal: run.signal })
  }))
  return new Map(containers.flatMap(({ Id }, at) => (kept[at] === undefined ? [] : [[Id, kept[at]] as const])))
}

export type CapturedAll = Read & { readonly atRest: AtRest; readonly images: ById<readonly CapturedImage[]> }

async function storeImages({ run, options, members, originals, imageSource, atRest: { writableLayers } }: Read & { readonly atRest: AtRest }): Promise<{ images: ById<readonly CapturedImage[]> }> {
  return {
    images: await mapMembers(members, async ({ spec: { inspect } }) => {
      const [original, layer] = [originals.get(inspect.Id), writableLayers.get(inspect.Id)]
      if (original === undefined || layer === undefined) return []
      if ('report' in layer) return [layer]
      if ('lost' in original) throw new RangeError('a lost image was captured as a commit')
      const images = await storeWritableLayer({ source: imageSource, container: inspect, original, layer, imageTags: options.imageTags })
      run.signal.throwIfAborted()
      return images
    }),
  }
}

/** Whatever the journal still has open: a commit's name, a container that rests, helpers of a reader that failed. */
async function putBack({ run, engine }: Looked): Promise<void> {
  await putAllRight(engine, run, run.journal.open(), noDataRestorer)
}

/** One after the other; without those for which there is nothing. */
async function mapMembers<Thing>(members: readonly Member[], work: (member: Member) => Promise<Thing | undefined>): Promise<Map<string, Thing>> {
  const things = new Map<string, Thing>()
  for (const member of members) {
    const thing = await work(member)
    if (thing !== undefined) things.set(member.spec.inspect.Id, thing)
  }
  return things
}
