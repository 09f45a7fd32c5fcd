/**
 * Boots a backup in copies that meet nothing else: names of their own, internal networks, no published port, nothing of the
 * host. They are removed in the end, however that comes.
 */
import type { Engine } from '../engine/engine.ts'
import { toCreateRequest, type CreateRequest } from '../engine/spec/create-request.ts'
import { noRemaps } from '../engine/spec/remap-record.ts'
import { nameOf } from '../engine/spec/spec-record.ts'
import { DrayError } from '../errors/dray-error.ts'
import type { BackupSummary } from '../store/backup-summary.ts'
import { Pipeline } from '../pipeline/pipeline.ts'
import { openMountWriter } from '../mounts/open-mount.ts'
import { ChunkReader } from '../store/chunk-reader.ts'
import { passContent } from '../store/content-reader.ts'
import type { Repository } from '../store/repository.ts'
import { byKey, thingOf } from './by-key.ts'
import { putAllRight } from './put-right.ts'
import { comesWith, type MountAction, type RestoreOptions, type RestorePlan, type StoredContainer } from './restore-plan.ts'
import { writeRecord } from './run-records.ts'
import { temporaryJournal, type Run } from './run.ts'
import { bringImages, type BroughtImages } from './steps/bring-images.ts'
import { Obstacles } from './obstacles.ts'
import { chooseBackup } from './steps/choose-backup.ts'
import { inOrder } from './steps/choose-together.ts'
import { createContainer } from './steps/create-container.ts'
import { execInDrill, type DrillCommand } from './steps/exec-in-drill.ts'
import { giveState, type GivenState } from './steps/give-state.ts'
import { isolateSpec } from './steps/isolate-spec.ts'
import { makePlacesOf } from './steps/make-places.ts'
import { planIsolation, type IsolatedCopy, type IsolatedMount } from './steps/plan-isolation.ts'
import { readStored } from './steps/read-stored.ts'
import { restoreData } from './steps/restore-data.ts'
import { writeMounts, writeNewVolumes, type NewVolume } from './steps/restore-mounts.ts'
import { startTogether } from './steps/start-together.ts'
import { volumeTarget, type WrittenMount } from './steps/write-mount.ts'

export type DrillJob = {
  readonly run: Run
  readonly engine: Engine
  readonly repository: Repository
  readonly backup: string
  /** Empty for all that the backup holds. */
  readonly containers: readonly string[]
  readonly options: DrillOptions
}

export type DrillOptions = Pick<RestoreOptions, 'reader' | 'healthSeconds'> & {
  /** Run by `sh -c` once all are healthy, in the only container or in the one that `execIn` names. */
  readonly exec?: string
  readonly execIn?: string
  readonly execSeconds: number
  /** How long one without a health check has to stay up. */
  readonly settledMs: number
  /** Leave the copies there, to look around. */
  readonly keep: boolean
}

/** Of one container. */
export type DrilledCopy = {
  readonly stored: StoredContainer
  readonly copy: IsolatedCopy
  readonly state: GivenState
  /** What could not be written as it was stored. */
  readonly problems: readonly string[]
}

export type DrillReport = {
  /** In the order of their start. */
  readonly copies: readonly DrilledCopy[]
  readonly command: DrillCommand | undefined
  readonly milliseconds: number
}

export const drillPipeline = Pipeline.named<DrillJob>('drill')
  .step('read the backup', readBackup)
  .step('plan a copy of its own', plan, { cleanup: { name: 'the copy', run: removeCopies } })
  .step('bring its image', bringAll)
  .act('make its network and volumes', async ({ run, engine, planned }) => makePlacesOf({ run, engine }, planned.map(each => each.plan)))
  .step('find its files', findFiles)
  .step('write its files', writeFiles)
  .step('write its data', writeAll)
  .step('create the container', createAll)
  .step('write its new volumes', writeAllNew)
  .step('start it and wait for health', startAll)
  .step('run the command in it', execute)

export async function drillBackup(job: DrillJob): Promise<DrillReport> {
  const startedAt = performance.now()
  const { state, leftBehind } = await drillPipeline.run(job, { signal: job.run.signal, observer: job.run.reporter })
  for (const { what, problem } of leftBehind) job.run.reporter.warn(`${what}: ${problem}`)
  const copies = state.ready.map((each): DrilledCopy => {
    const written = [...of(state.written, each), ...of(state.filled, each)]
    return { stored: each.original, copy: each.copy, state: of(state.given, each), problems: [...of(state.fileProblems, each), ...written.flatMap(({ problems, losses }) => [...problems, ...losses])] }
  })
  return { copies, command: state.command, milliseconds: performance.now() - startedAt }
}

/** What a drill would do, with nothing done. */
export async function planDrill(job: DrillJob): Promise<readonly Pick<Drilled, 'original' | 'copy'>[]> {
  return (await readBackup(job)).drilled
}

/** A container of the backup, and the copy that it gets. */
type Drilled = { readonly original: StoredContainer; readonly copy: IsolatedCopy; readonly spec: StoredContainer['spec'] }
type Planned = Drilled & { readonly stored: StoredContainer; readonly plan: RestorePlan }
type Of<Thing> = ReadonlyMap<string, Thing>

async function readBackup({ run, engine, repository, backup, containers, options }: DrillJob) {
  const chosen = await chooseBackup(repository, backup, containers[0], text => run.reporter.warn(text))
  const group = inOrder(await readGroup(repository, chosen, containers, options))
  const copies = planIsolation(group, run.id)
  const drilled = group.flatMap((original, at): Drilled[] => (copies[at] === undefined ? [] : [{ original, copy: copies[at], spec: original.spec }]))
  return { drilled, drill: options, source: new ChunkReader(repository.blobs), temporary: temporaryJournal(run, engine) }
}

async function readGroup(repository: Repository, backup: BackupSummary, containers: readonly string[], { exec, execIn }: DrillOptions): Promise<readonly StoredContainer[]> {
  const names = containers.length === 0 ? backup.containers : [...new Set(containers)]
  if (names.length === 0) throw new DrayError('not-found', `backup "${backup.id}" holds no container`, { hints: [`dray show ${backup.id}`] })
  if (execIn !== undefined && !names.includes(execIn)) throw new DrayError('usage', `"${execIn}" is not among the containers of this drill`, { hints: [`they are: ${names.join(', ')}`] })
  if (exec !== undefined && execIn === undefined && names.length > 1) throw new DrayError('usage', `a command runs in one container, and these are ${names.length}: ${names.join(', ')}`, { hints: names.map(name => `--in ${name}`) })
  return await readStored(repository, backup, names)
}

type Read = DrillJob & Awaited<ReturnType<typeof readBackup>>

/** With the paths of files still unknown: enough to know the images, the networks and the volumes. */
function plan({ run, engine, drilled, drill }: Read) {
  const obstacles = new Obstacles()
  const planned = drilled.map((each): Planned => planOne(each, { run, engine }, ({ volume, file }) => `/${volume}/${file ?? ''}`, obstacles))
  obstacles.stop(engine.address)
  const options: RestoreOptions = { replace: false, start: true, remaps: noRemaps, keep: [], reader: drill.reader, skipDamaged: false }
  return Promise.resolve({ planned, options, aside: undefined })
}

function planOne(each: Drilled, { run, engine }: Pick<DrillJob, 'run' | 'engine'>, pathOf: (mount: IsolatedMount) => string, obstacles?: Obstacles): Planned {
  const { original, copy } = each
  const spec = isolateSpec(original.spec, copy, run.id, pathOf)
  const image = spec.images.find(({ role }) => role === 'original') ?? spec.images[0]
  const imageRef = image?.id ?? spec.inspect.Config.Image
  const peers = new Map(copy.peers.map(({ name }) => [name, { name }]))
  const request: CreateRequest = toCreateRequest(spec, { target: engine.facts, name: copy.name, imageRef, remaps: noRemaps, peers, ...(obstacles === undefined ? {} : { obstacles }) })
  const mounts = copy.mounts.filter(({ file }) => file === undefined).map(({ stored, volume, isFirst }): MountAction => ({ stored, place: { kind: 'volume', name: volume }, ...(isFirst ? { action: 'make' } : { action: 'keep', because: comesWith }) }))
  return { ...each, stored: { ...original, spec }, plan: { name: copy.name, request, imageRef, peers, networks: request.networks, mounts, notes: [] } }
}

type Checked = Omit<Read, 'options'> & Awaited<ReturnType<typeof plan>>

async function bringAll({ run, engine, repository, planned }: Checked): Promise<{ images: Of<BroughtImages> }> {
  return { images: await each(planned, ({ stored, plan: { imageRef } }) => bringImages({ run, engine, blobs: repository.blobs, stored, imageRef })) }
}

/** Only when there are volumes is it known where their files lie on the engine's host. */
async function findFiles({ run, engine, planned }: Checked): Promise<{ ready: readonly Planned[] }> {
  const paths = new Map<string, string>()
  for (const { volume } of planned.flatMap(({ copy }) => copy.mounts)) if (!paths.has(volume)) paths.set(volume, (await engine.volumes.inspect(volume, { signal: run.signal })).Mountpoint)
  return { ready: planned.map(one => planOne(one, { run, engine }, ({ volume, file }) => `${paths.get(volume) ?? ''}/${file ?? ''}`)) }
}

type Ready = Checked & { readonly images: Of<BroughtImages>; readonly ready: readonly Planned[] }

/** Each file into the volume that holds nothing else. */
async function writeFiles({ run, engine, ready, drill, source, temporary }: Ready): Promise<{ fileProblems: Of<readonly string[]> }> {
  return {
    fileProblems: await each(ready, async ({ copy }) => {
      const found: string[] = []
      for (const { stored, volume } of copy.mounts.filter(({ file, isFirst }) => file !== undefined && isFirst)) {
        const target = await volumeTarget(engine, volume, run.signal)
        await using writer = await openMountWriter({ engine, target, reader: drill.reader, run: run.id, journal: temporary, signal: run.signal })
        found.push(...(await writer.write(passContent(source, stored.content.chunks), run.signal)).problems)
      }
      return found
    }),
  }
}

async function writeAll(state: Ready): Promise<{ written: Of<readonly WrittenMount[]>; empty: Of<readonly NewVolume[]> }> {
  const done = await each(state.ready, ({ stored, plan: own }) => writeMounts({ ...state, stored, plan: own }))
  return { written: new Map([...done].map(([name, { written }]) => [name, written])), empty: new Map([...done].map(([name, { empty }]) => [name, empty])) }
}

/** Each after those it needs. */
async function createAll({ run, engine, ready, images }: Ready): Promise<{ ids: Of<string> }> {
  return { ids: await each(ready, one => createContainer({ run, engine, plan: one.plan, images: of(images, one) })) }
}

type Created = Ready & { readonly ids: Of<string>; readonly empty: Of<readonly NewVolume[]> }

async function writeAllNew(state: Created): Promise<{ filled: Of<readonly WrittenMount[]> }> {
  const { ready, ids, empty } = state
  return { filled: await each(ready, one => writeNewVolumes({ ...state, stored: one.stored, plan: one.plan, id: of(ids, one), together: [...ids.values()], empty: of(empty, one) })) }
}

/** In the order of the recorded containers, whose labels say what waits for what. */
async function startAll({ run, engine, ready, ids, drill }: Created): Promise<{ given: Of<GivenState> }> {
  const given = await startTogether(run, ready, (one, within, watch) => giveState({ run: within, engine, stored: one.stored, id: of(ids, one), options: { start: true, settledMs: drill.settledMs, mustStay: true, hint: hintFor(one.copy, drill), ...(drill.healthSeconds === undefined ? {} : { healthSeconds: drill.healthSeconds }) } }, watch))
  return { given: new Map([...given].map(([one, state]) => [one.copy.name, state])) }
}

async function execute({ run, engine, ready, ids, given, drill }: Created & { readonly given: Of<GivenState> }): Promise<{ command: DrillCommand | undefined }> {
  const one = ready.find(({ original }) => drill.execIn === undefined || nameOf(original.spec.inspect) === drill.execIn)
  if (drill.exec === undefined || one === undefined) return { command: undefined }
  return { command: await execInDrill({ run, engine, id: of(ids, one), given: of(given, one), command: drill.exec, seconds: drill.execSeconds, hint: hintFor(one.copy, drill) }) }
}

function hintFor({ name }: IsolatedCopy, { keep }: DrillOptions): string {
  return keep ? `look around in it: docker logs ${name}` : 'look around in it: the same command with --keep'
}

/** Kept, they have a record, by which `dray undo` removes them. What was interrupted is never kept. */
async function removeCopies({ run, engine, drill, drilled: [first, ...others] }: Read): Promise<void> {
  const open = run.journal.open()
  const isThere = open.some(({ did }) => did === 'created container')
  const [kept, gone] = drill.keep && isThere && !run.signal.aborted ? split(open) : [[], open]
  if (kept.length > 0 && first !== undefined) {
    await writeRecord(run.journalFolder, { format: 1, kind: 'drill', run: run.id, command: run.command, at: new Date().toISOString(), engine: { address: engine.address, id: engine.facts.id }, backup: first.original.backup.id, name: first.copy.name, ...(others.length === 0 ? {} : { others: others.map(({ copy }) => copy.name) }), made: kept })
    await run.journal.settle(...kept)
  }
  await putAllRight(engine, run, gone, restoreData(run))
}

/** What makes the copies, and what was made for a moment on the way to them. Images have temporary names, which keep them. */
function split(open: ReturnType<Run['journal']['open']>): [typeof open, typeof open] {
  const names = new Set(['created container', 'created volume', 'created network', 'created image', 'created tag'])
  const isOfCopy = (entry: (typeof open)[number]): boolean => names.has(entry.did) && !('container' in entry && entry.container.startsWith('drayage-'))
  return [open.filter(isOfCopy), open.filter(entry => !isOfCopy(entry))]
}

/** One after the other, by the copy's name. */
async function each<Thing>(planned: readonly Planned[], work: (one: Planned) => Promise<Thing>): Promise<Map<string, Thing>> {
  return await byKey(planned, ({ copy }) => copy.name, work)
}

function of<Thing>(things: Of<Thing>, { copy }: Planned): Thing {
  return thingOf(things, copy.name, copy.name)
}
