/**
 * Backs one container up, whole: spec, image and writable layer, every mount. Two passes over the data: the first while the
 * container runs, the second while it rests, reading only what has changed since.
 */
import type { ContainerInspect } from '../engine/api-types.ts'
import type { Engine } from '../engine/engine.ts'
import { recordContainer } from '../engine/spec/record-container.ts'
import { nameOf, type ContainerRecord } from '../engine/spec/spec-record.ts'
import { kindOfBind } from '../mounts/bind-kind.ts'
import type { ReaderKind } from '../mounts/mount-access.ts'
import { Pipeline } from '../pipeline/pipeline.ts'
import { addBackup, BlobsGone } from '../store/backup-graph.ts'
import type { BackupSummary } from '../store/backup-summary.ts'
import { ChunkStore } from '../store/chunk-store.ts'
import { ImageStore } from '../store/image-store.ts'
import type { Repository } from '../store/repository.ts'
import type { OwnerLock } from '../files/owner-lock.ts'
import { newBackupFacts } from './backup-facts.ts'
import type { ContainerSpec, FreezeFacts, LeftOutMount } from './container-spec.ts'
import { describeMount, type DescribedMount } from './mount-description.ts'
import type { CaptureReport } from './mount-content.ts'
import { noDataRestorer, putAllRight } from './put-right.ts'
import { temporaryJournal, type Run, type TemporaryJournal } from './run.ts'
import { announceCommit, captureFlattened, captureWritableLayer, type CapturedImage, type CommitWishes, type ImageSource, type WritableLayerCapture } from './steps/capture-image.ts'
import { captureOriginal, type Original } from './steps/capture-original.ts'
import { findBase, type Base } from './steps/find-base.ts'
import { findLacks } from './steps/find-lacks.ts'
import { chooseFreeze, type Consistency } from './steps/freeze.ts'
import { holdMemory } from './steps/hold-memory.ts'
import { seeOwnState } from './steps/other-rests.ts'
import { otherWriters } from './steps/other-writers.ts'
import { planMounts, type MountPlan } from './steps/plan-mounts.ts'
import { closeMounts, openMounts, prepareChanges, readChanges, readMounts, storedMounts, type MountsReading, type OpenMount } from './steps/read-mounts.ts'
import { readAtRest } from './steps/read-at-rest.ts'
import { warnOfSurprises } from './steps/surprises.ts'
import { storeWritableLayer } from './steps/store-writable-layer.ts'
import { openWritableLayer, type WritableLayer } from './steps/writable-layer.ts'

export type BackupOptions = {
  readonly container: string
  readonly consistency: Consistency
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

export type BackupJob = { readonly run: Run; readonly engine: Engine; readonly repository: Repository; readonly lock: OwnerLock; readonly options: BackupOptions }

/** What a backup holds, and what it does not. */
export type BackupReport = {
  readonly backup: BackupSummary
  readonly container: string
  readonly images: readonly CapturedImage[]
  readonly mounts: readonly { readonly described: DescribedMount; readonly readBytes: number; readonly keptEntries: number; readonly nested: readonly string[] }[]
  readonly leftOut: readonly LeftOutMount[]
  /** Should have been captured and were not. */
  readonly missing: readonly LeftOutMount[]
  readonly freeze: FreezeFacts
  /** Of the chunks that were new. */
  readonly storedBytes: number
  readonly milliseconds: number
}

/** The migration of data into the repository, step by step. Nothing of ours stays on the engine, whatever happens. */
export const backupPipeline = Pipeline.named<BackupJob>('backup')
  .step('look at the container', lookAt, { cleanup: { name: 'what was made on the engine', run: putBack } })
  .step('find what is stored already', findStored)
  .step('store its image', storeOriginal)
  .step('open its mounts', openAll, { cleanup: { name: 'the readers of its mounts', run: closeAll } })
  .step('read its mounts', firstPass)
  .step('read what has changed, while it rests', secondPass)
  .step('store its writable layer', storeImages)
  .step('write the backup', write)

export async function backUpContainer(job: BackupJob): Promise<BackupReport> {
  const startedAt = performance.now()
  const { state } = await runPipeline(job)
  const { record, plan, opened, atRest, images, store, backup } = state
  return {
    backup,
    container: nameOf(record.inspect),
    images,
    mounts: opened.map((each, at) => toMountReport(each, atRest.reports[at])),
    leftOut: plan.leftOut,
    missing: plan.missing,
    freeze: atRest.freeze,
    storedBytes: store.counts.storedBytes,
    milliseconds: performance.now() - startedAt,
  }
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

type Looked = BackupJob & { readonly record: ContainerRecord; readonly plan: MountPlan; readonly temporary: TemporaryJournal }

async function lookAt({ run, engine, repository, options }: BackupJob): Promise<Omit<Looked, keyof BackupJob>> {
  const temporary = temporaryJournal(run, engine)
  const { signal } = run
  const record = await seeOwnState(run, () => recordContainer(engine, options.container, { signal }))
  for (const text of await otherWriters(engine, record, signal)) run.reporter.warn(text)
  const kindOf = (path: string) => kindOfBind({ engine, path, run: run.id, journal: temporary, signal })
  const plan = await planMounts({ engine, record, include: options.include, exclude: options.exclude, repositoryPath: repository.path, kindOf })
  for (const { destination, source, reason, canBeAsked } of plan.leftOut) run.reporter.note(`not captured: ${source} at ${destination}: ${reason}${canBeAsked ? ` (capture it with --include ${destination})` : ''}`)
  for (const { destination, source, reason } of plan.missing) run.reporter.warn(`not captured: ${source} at ${destination}: ${reason}`)
  return { record, plan, temporary }
}

type Stored = Looked & { readonly base: Base | undefined; readonly store: ChunkStore; readonly imageSource: ImageSource }

async function findStored({ run, engine, repository, record }: Looked): Promise<Omit<Stored, keyof Looked>> {
  const base = await findBase(repository, engine.facts, nameOf(record.inspect), text => run.reporter.warn(text))
  return { base, store: new ChunkStore(repository), imageSource: { run, engine, repository, images: new ImageStore(repository) } }
}

async function storeOriginal({ run, options, record, imageSource }: Stored): Promise<{ original: Original | undefined }> {
  if (!options.withImage) return { original: undefined }
  const original = await captureOriginal(imageSource, record)
  if ('lost' in original) run.reporter.warn(`${original.lost}: its root file system is stored as one layer instead${options.commit.changes.length > 0 ? ', without what --change asks for' : ''}`)
  return { original }
}

type Opened = Stored & { readonly original: Original | undefined; readonly opened: readonly OpenMount[]; readonly layer: WritableLayer | undefined }

async function openAll({ run, engine, options, plan, record, base, temporary }: Stored): Promise<{ opened: readonly OpenMount[]; layer: WritableLayer | undefined }> {
  if (chooseFreeze(record.inspect, options.consistency) === 'stop') await holdMemory({ run, engine, temporary }, record.volumes.map(({ Name }) => Name))
  const layer = options.withImage ? await openWritableLayer({ engine, container: record.inspect, run: run.id, journal: temporary, signal: run.signal }) : undefined
  return { opened: await openMounts({ run, engine, mounts: plan.captured, reader: options.reader, base, temporary }), layer }
}

type Read = Opened & { readonly first: readonly CaptureReport[] | undefined }

/** A container that rests already, or is not to be disturbed, is read once. */
async function firstPass(state: Opened): Promise<{ first: readonly CaptureReport[] | undefined }> {
  const way = chooseFreeze(state.record.inspect, state.options.consistency)
  const first = way === 'pause' || way === 'stop' ? await readMounts({ ...state, open: state.opened }) : undefined
  return { first }
}

export type AtRest = { readonly reports: readonly CaptureReport[]; readonly writableLayer: WritableLayerCapture | CapturedImage | undefined; readonly freeze: FreezeFacts }

/** While it rests, what has changed is only read; it is stored when the container runs again. */
async function secondPass(state: Read): Promise<{ atRest: AtRest }> {
  const { run, engine, record, options, first, original } = state
  const job = { ...state, open: state.opened }
  if (original !== undefined && 'made' in original) await announceCommit(run, engine, record.inspect, wishesOf(options))
  if (first !== undefined) await prepareChanges(job, first)
  let reading: MountsReading | undefined
  try {
    const { result, freeze } = await readAtRest({ run, engine, container: record.inspect, wanted: options.consistency }, async container => {
      await reading?.stored
      reading = first === undefined ? readAll(job) : readChanges(job, first)
      const [, writableLayer] = await bothOrNeither(reading.read, keepWritableLayer(state, container))
      return { reading, writableLayer }
    })
    return { atRest: { reports: await result.reading.stored, writableLayer: result.writableLayer, freeze } }
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

async function keepWritableLayer({ run, engine, options, original, imageSource, base, layer }: Read, container: ContainerInspect): Promise<AtRest['writableLayer']> {
  if (original === undefined) return undefined
  if ('lost' in original) return await captureFlattened(imageSource, container, original.lost, options.imageTags)
  return await captureWritableLayer({ run, engine, images: imageSource.images, container, wishes: wishesOf(options), base, layer, signal: run.signal })
}

type Captured = Read & { readonly atRest: AtRest; readonly images: readonly CapturedImage[] }

async function storeImages({ run, options, record, original, imageSource, atRest: { writableLayer } }: Read & { readonly atRest: AtRest }): Promise<{ images: readonly CapturedImage[] }> {
  if (original === undefined || writableLayer === undefined) return { images: [] }
  if ('report' in writableLayer) return { images: [writableLayer] }
  if ('lost' in original) throw new RangeError('a lost image was captured as a commit')
  const images = await storeWritableLayer({ source: imageSource, container: record.inspect, original, layer: writableLayer, imageTags: options.imageTags })
  run.signal.throwIfAborted()
  return { images }
}

async function write({ run, engine, repository, lock, options, record, plan, opened, atRest, images, store, base }: Captured): Promise<{ backup: BackupSummary }> {
  await store.flush()
  warnOfSurprises(run.reporter, opened, atRest.reports, base)
  const container = nameOf(record.inspect)
  const { writableLayer, freeze } = atRest
  const fingerprint = writableLayer !== undefined && 'how' in writableLayer && writableLayer.how !== 'empty' ? writableLayer.fingerprint : undefined
  const spec: ContainerSpec = {
    format: 1,
    drayage: options.version,
    ...record,
    images: images.map(({ facts }) => facts),
    mounts: opened.map(({ mount }) => ({ id: mount.id, destinations: mount.destinations.map(({ path }) => path) })),
    leftOut: [...plan.leftOut, ...plan.missing],
    freeze,
    ...(fingerprint === undefined ? {} : { writableLayer: { fingerprint, container: record.inspect.Id } }),
  }
  const facts = { ...newBackupFacts(run, engine, options.tags), lacks: findLacks({ withImage: options.withImage, plan, opened, reports: atRest.reports }) }
  const mounts = storedMounts(opened, atRest.reports)
  run.signal.throwIfAborted()
  return { backup: await addBackup(repository, { ...facts, images: images.map(({ descriptor }) => descriptor), containers: [{ name: container, spec }], mounts }, lock) }
}

async function closeAll({ opened }: Opened): Promise<void> {
  await closeMounts(opened)
}

/** Whatever the journal still has open: a commit's name, a container that rests, helpers of a reader that failed. */
async function putBack({ run, engine }: Looked): Promise<void> {
  await putAllRight(engine, run, run.journal.open(), noDataRestorer)
}

/** Both have ended when this returns or throws: neither works on while the container is let go. */
async function bothOrNeither<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  const [first, second] = await Promise.allSettled([one, other])
  if (first.status === 'rejected') throw first.reason
  if (second.status === 'rejected') throw second.reason
  return [first.value, second.value]
}

function toMountReport({ mount, reader }: OpenMount, report: CaptureReport | undefined): BackupReport['mounts'][number] {
  if (report === undefined) throw new RangeError(`mount "${mount.label}" was not read`)
  const nested = [...new Set((reader.nested ?? []).map(String))]
  return { described: describeMount(mount, reader, report), readBytes: report.readBytes, keptEntries: report.keptEntries, nested }
}
