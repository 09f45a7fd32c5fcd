/**
 * Restores containers, whole, to an engine: everything that can be known to fail is found first; everything made by a run that
 * fails is removed, and what was replaced runs again.
 */
import type { SpecComparison } from '../engine/spec/compare-specs.ts'
import { nameOf } from '../engine/spec/spec-record.ts'
import type { Engine } from '../engine/engine.ts'
import { DrayError } from '../errors/dray-error.ts'
import type { OwnerLock } from '../files/owner-lock.ts'
import { Pipeline } from '../pipeline/pipeline.ts'
import { ChunkReader } from '../store/chunk-reader.ts'
import type { Repository } from '../store/repository.ts'
import { byKey, thingOf } from './by-key.ts'
import { keepReplaced, retireKept } from './keep-replaced.ts'
import { Obstacles, type Obstacle } from './obstacles.ts'
import { isTemporary, putAllRight } from './put-right.ts'
import { optionsFor, type RestoreOptions, type RestorePlan, type StoredContainer } from './restore-plan.ts'
import type { ReplacedData } from './run-records.ts'
import { temporaryJournal, type Run, type TemporaryJournal } from './run.ts'
import { bringImages, findImage, type BroughtImages } from './steps/bring-images.ts'
import { planData } from './steps/check-data.ts'
import { checkRestore, planEach } from './steps/check-restore.ts'
import { chooseBackups, type WantedBackup } from './steps/choose-backup.ts'
import { inOrder } from './steps/choose-together.ts'
import { compareRestored } from './steps/compare-restored.ts'
import { createContainer } from './steps/create-container.ts'
import { giveState, type GivenState } from './steps/give-state.ts'
import { withLostMemory } from './steps/hold-memory.ts'
import { makePlacesOf } from './steps/make-places.ts'
import { hintsFor, readStored, readWhatIsLeft, type Examined } from './steps/read-stored.ts'
import { checkReplay, replayDump } from './steps/replay-dump.ts'
import { removeReplaced, setAside, type SetAside } from './steps/replace-container.ts'
import { restoreData } from './steps/restore-data.ts'
import { writeMounts, writeNewVolumes, type NewVolume } from './steps/restore-mounts.ts'
import { takeTurn } from './steps/restore-turn.ts'
import { projectLabel } from './steps/choose-containers.ts'
import type { Restoring } from './steps/share-mounts.ts'
import { startTogether } from './steps/start-together.ts'
import { makeBindPlace, type WrittenMount } from './steps/write-mount.ts'
import { writeNested } from './steps/write-nested.ts'

export type RestoreJob = {
  readonly run: Run
  /** Where it is restored to. */
  readonly engine: Engine
  readonly repository: Repository
  readonly lock: OwnerLock
  /** Several are of different containers. */
  readonly wanted: WantedBackup | readonly WantedBackup[]
  readonly options: RestoreOptions
  /** Of this program, for the safety backup of what is replaced. */
  readonly version: string
  /** Of plans that are made one after the other, with `skipDamaged`. */
  readonly examined?: Examined
}

/** Of one container. What several of them have is reported with the one that it was written for. */
export type RestoreReport = {
  readonly stored: StoredContainer
  readonly plan: RestorePlan
  readonly id: string
  readonly images: BroughtImages
  readonly written: readonly WrittenMount[]
  readonly state: GivenState
  readonly comparison: SpecComparison
  /** Something has another name, port or place, as asked: that is compared as it was asked for. */
  readonly isMapped: boolean
  readonly setAside: SetAside | undefined
  /** Its dray.restore has read the dump that the backup holds. */
  readonly hasReplayed: boolean
  /** By `dray undo` with this run's id what was replaced comes back. */
  readonly undo: string | undefined
  readonly milliseconds: number
}

/** Undo is one thing for all steps: what the journal says was done is put right, newest first. */
export const restorePipeline = Pipeline.named<RestoreJob>('restore')
  .step('read the backup', readBackups)
  .step('check the target', check, { undo: { name: 'what was made on the target', run: putBack }, cleanup: { name: 'what was made for the moment', run: closeUp } })
  .step('bring its images', bringAll)
  .step('set aside what is replaced', async state => ({ aside: await setAside({ ...state, plans: state.restoring.map(({ plan }) => plan) }) }))
  .act('make its networks and volumes', makePlaces)
  .step('write its data', writeAll)
  .step('create the container', createAll)
  .step('write its new volumes', writeAllNew)
  .step('give it its state', giveStates)
  .step('compare it with the backup', compareAll)
  .actIf(({ options }) => options.replayDump === true, 'replay dumps', replayAll)
  .act('keep what was made', keepMade)
  .pointOfNoReturn()
  .act('retire what was replaced', async state => {
    await retireKept(state)
    await removeReplaced(state)
  })

/** In the order in which they were made. */
export async function restoreContainers(job: RestoreJob): Promise<RestoreReport[]> {
  const startedAt = performance.now()
  const turn = await takeTurn(job)
  try {
    const { state } = await restorePipeline.run(job, { signal: job.run.signal, observer: job.run.reporter })
    const milliseconds = performance.now() - startedAt
    return state.restoring.map(each => {
      const { stored, plan } = each
      const [written, filled, given] = [of(state.written, each), of(state.filled, each), of(state.given, each)]
      return { stored, plan, id: of(state.ids, each), images: of(state.images, each), written: withLostMemory([...written, ...filled], plan.mounts, given.status), state: given, comparison: of(state.comparisons, each), isMapped: plan.name !== nameOf(stored.spec.inspect) || Object.values(optionsFor(job.options, nameOf(stored.spec.inspect)).remaps).some(({ size }) => size > 0), setAside: state.aside, undo: state.aside !== undefined && isKept(state.restoring) ? job.run.id : undefined, hasReplayed: job.options.replayDump === true && stored.dump !== undefined, milliseconds }
    })
  } finally {
    await turn.release()
  }
}

/** What a restore would do, with nothing done. */
export async function planRestore(job: RestoreJob): Promise<readonly Restoring[]> {
  const read = await readBackups(job)
  try {
    return (await check({ ...job, ...read })).restoring
  } finally {
    await putAllRight(job.engine, job.run, job.run.journal.open(), restoreData(job.run))
  }
}

/** The same, of what can be known where something stands in the way. */
export async function draftRestore(job: RestoreJob): Promise<{ readonly restoring: readonly Restoring[]; readonly obstacles: readonly Obstacle[] }> {
  const read = { ...job, ...(await readBackups(job)) }
  const obstacles = new Obstacles()
  try {
    return { restoring: await (job.options.only === 'data' ? planData : planEach)(read, obstacles), obstacles: obstacles.all }
  } finally {
    await closeUp(read)
  }
}

/** What belongs to one of the containers. */
type Of<Thing> = ReadonlyMap<Restoring, Thing>
/** What reading them adds to a job. */
export type ReadBackups = RestoreJob & { readonly found: readonly StoredContainer[]; readonly source: ChunkReader; readonly temporary: TemporaryJournal }
type Checked = ReadBackups & { readonly restoring: readonly Restoring[] }

export async function readBackups({ run, engine, repository, wanted, options, examined }: RestoreJob): Promise<Omit<ReadBackups, keyof RestoreJob>> {
  const found: StoredContainer[] = []
  for (const { backup, containers } of await chooseBackups(repository, wanted, text => run.reporter.warn(text))) {
    found.push(...(options.skipDamaged ? await readWhatIsLeft(run, repository, backup, containers, examined) : await readStored(repository, backup, containers)))
  }
  const names = found.map(({ spec }) => nameOf(spec.inspect))
  if (options.name !== undefined && names.length > 1) throw new DrayError('usage', `--name is for one container, and these are ${names.length}: ${names.join(', ')}`, { hints: [`restore the one that it is for alone: dray restore ${found[0]?.backup.id ?? ''} ${names[0] ?? ''} --name NEW`] })
  if (options.replayDump === true) checkReplay(found, { start: names.some(name => optionsFor(options, name).start) })
  return { found: inOrder(found), source: new ChunkReader(repository.blobs, { hints: [...new Set(found.flatMap(({ backup }) => hintsFor(backup)))] }), temporary: temporaryJournal(run, engine) }
}

async function check(state: ReadBackups): Promise<{ restoring: readonly Restoring[] }> {
  try {
    return { restoring: await checkRestore(state) }
  } catch (thrown) {
    await closeUp(state)
    throw thrown
  }
}

async function bringAll({ run, engine, repository, restoring, options }: Checked): Promise<{ images: Of<BroughtImages> }> {
  const bring = options.only === 'spec' ? findImage : bringImages
  return { images: await each(restoring, ({ stored, plan }) => bring({ run, engine, blobs: repository.blobs, stored, imageRef: plan.imageRef })) }
}

type Aside = Checked & { readonly images: Of<BroughtImages>; readonly aside: SetAside | undefined }

async function makePlaces(state: Aside): Promise<void> {
  const { restoring, options } = state
  for (const path of new Set(restoring.flatMap(one => optionsOf(options, one).makePaths ?? []))) await makeBindPlace(state, { kind: 'directory', path })
  await makePlacesOf(state, restoring.map(({ plan }) => plan))
}

async function writeAll(state: Aside): Promise<{ written: Of<readonly WrittenMount[]>; empty: Of<readonly NewVolume[]> }> {
  const done = await each(state.restoring, ({ stored, plan }) => writeMounts({ ...state, stored, plan }))
  const nested = await each(state.restoring, ({ stored, plan }) => writeNested({ ...state, stored, plan }))
  return { written: new Map([...done].map(([key, { written }]) => [key, [...written, ...of(nested, key)]])), empty: new Map([...done].map(([key, { empty }]) => [key, empty])) }
}

/** Each after those it needs. */
async function createAll({ run, engine, restoring, images }: Aside): Promise<{ ids: Of<string> }> {
  return { ids: await each(restoring, one => createContainer({ run, engine, plan: one.plan, images: of(images, one), spec: one.stored.spec })) }
}

type Created = Aside & { readonly empty: Of<readonly NewVolume[]>; readonly ids: Of<string> }

async function writeAllNew(state: Created): Promise<{ filled: Of<readonly WrittenMount[]> }> {
  const { restoring, ids, empty } = state
  return { filled: await each(restoring, one => writeNewVolumes({ ...state, stored: one.stored, plan: one.plan, id: of(ids, one), together: [...ids.values()], empty: of(empty, one) })) }
}

async function giveStates({ run, engine, restoring, options, ids }: Created): Promise<{ given: Of<GivenState> }> {
  return { given: await startTogether(run, restoring, (one, within, watch) => giveState({ run: within, engine, stored: one.stored, options: optionsOf(options, one), id: of(ids, one) }, watch)) }
}

async function compareAll(state: Created & { readonly given: Of<GivenState> }): Promise<{ comparisons: Of<SpecComparison> }> {
  const { restoring, ids, given, options } = state
  return { comparisons: await each(restoring, one => compareRestored({ ...state, options: optionsOf(options, one), stored: one.stored, plan: one.plan, id: of(ids, one), given: of(given, one) })) }
}

/** Each after those it needs, while all of it can still be undone: who asked for it wants the container with its dump, or none. */
async function replayAll({ run, engine, restoring, source, ids }: Created): Promise<void> {
  for (const one of restoring) await replayDump({ run, engine, source, stored: one.stored, container: { id: of(ids, one), name: one.plan.name } })
}

export async function putBack({ run, engine }: Pick<RestoreJob, 'run' | 'engine'>): Promise<'nothing to undo' | undefined> {
  const open = run.journal.open()
  await putAllRight(engine, run, open, restoreData(run))
  return open.some(({ did }) => did !== 'created image') ? undefined : 'nothing to undo'
}

/** Helpers of readers and writers that were not removed by themselves, and the names that images had for the moment: only now, because undoing has to find them. */
export async function closeUp({ run, engine }: Pick<RestoreJob, 'run' | 'engine'>): Promise<void> {
  await putAllRight(engine, run, run.journal.open().filter(entry => isTemporary(entry, run.id)), restoreData(run))
}

/**
 * The commit: what was made is the user's, and what it replaces is kept, with a record of the way back. Compose would take a kept
 * container of a project for one of its own, and start or remove it: so such a one is a thing to remove, and its backup is the way back.
 */
async function keepMade({ run, engine, repository, restoring, ids, aside }: Created): Promise<void> {
  const open = run.journal.open().filter(entry => !isTemporary(entry, run.id))
  if (aside === undefined || !isKept(restoring)) {
    await run.journal.exchange(open, engine, (aside?.containers ?? []).map(({ id, name }) => ({ did: 'superseded container', container: id, name })))
    return
  }
  const kept = restoring.flatMap(({ plan: { replaced: inspect } }) => aside.containers.flatMap(({ id, name }) => (inspect?.Id === id ? [{ inspect, name }] : [])))
  const replaced = open.flatMap((entry): ReplacedData[] => {
    if (entry.did === 'replaced volume data') return [{ volume: entry.volume, backup: entry.backup }]
    return entry.did === 'replaced path' && entry.backup !== undefined ? [{ path: entry.path, backup: entry.backup }] : []
  })
  const containers = restoring.map(one => ({ name: one.plan.name, id: of(ids, one) }))
  await keepReplaced({ run, engine, kind: 'restore', repository: repository.path, containers, aside: kept, replaced, backups: aside.backups })
}

/** All of them or none: half a way back is none. */
function isKept(restoring: readonly Restoring[]): boolean {
  return restoring.every(({ plan: { replaced } }) => replaced?.Config.Labels?.[projectLabel] === undefined)
}

function optionsOf(options: RestoreOptions, { spec }: Restoring): RestoreOptions {
  return optionsFor(options, nameOf(spec.inspect))
}

/** One after the other, in their order. */
async function each<Thing>(restoring: readonly Restoring[], work: (one: Restoring) => Promise<Thing>): Promise<Map<Restoring, Thing>> {
  return await byKey(restoring, one => one, work)
}

function of<Thing>(things: Of<Thing>, one: Restoring): Thing {
  return thingOf(things, one, one.plan.name)
}
