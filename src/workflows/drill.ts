/**
 * Boots a backup in a copy that meets nothing else: names of its own, an internal network, no published port, nothing of the
 * host. It is removed in the end, however that comes.
 */
import type { Engine } from '../engine/engine.ts'
import { toCreateRequest } from '../engine/spec/create-request.ts'
import { noRemaps } from '../engine/spec/remap-record.ts'
import { DrayError } from '../errors/dray-error.ts'
import type { BackupSummary } from '../store/backup-summary.ts'
import { Pipeline } from '../pipeline/pipeline.ts'
import { openMountWriter } from '../mounts/open-mount.ts'
import { ChunkReader } from '../store/chunk-reader.ts'
import { passContent } from '../store/content-reader.ts'
import type { Repository } from '../store/repository.ts'
import { putAllRight } from './put-right.ts'
import type { MountAction, RestoreOptions, RestorePlan, StoredContainer } from './restore-plan.ts'
import { writeRecord } from './run-records.ts'
import { temporaryJournal, type Run } from './run.ts'
import { bringImages } from './steps/bring-images.ts'
import { Obstacles } from './obstacles.ts'
import { chooseBackup } from './steps/choose-backup.ts'
import { createContainer } from './steps/create-container.ts'
import { execInDrill, type DrillCommand } from './steps/exec-in-drill.ts'
import { giveState, type GivenState } from './steps/give-state.ts'
import { isolateSpec, planIsolation, type IsolatedCopy } from './steps/isolate-spec.ts'
import { readStored } from './steps/read-stored.ts'
import { restoreData } from './steps/restore-data.ts'
import { makeNetworks, makeVolumes, writeMounts, writeNewVolumes } from './steps/restore-mounts.ts'
import { volumeTarget } from './steps/write-mount.ts'

export type DrillJob = {
  readonly run: Run
  readonly engine: Engine
  readonly repository: Repository
  readonly backup: string
  readonly container: string | undefined
  readonly options: DrillOptions
}

export type DrillOptions = Pick<RestoreOptions, 'reader' | 'healthSeconds'> & {
  /** Run in it by `sh -c` once it is healthy. */
  readonly exec?: string
  readonly execSeconds: number
  /** How long one without a health check has to stay up. */
  readonly settledMs: number
  /** Leave the copy there, to look around. */
  readonly keep: boolean
}

export type DrillReport = {
  readonly stored: StoredContainer
  readonly copy: IsolatedCopy
  readonly state: GivenState
  readonly command: DrillCommand | undefined
  /** What could not be written as it was stored. */
  readonly problems: readonly string[]
  readonly milliseconds: number
}

export const drillPipeline = Pipeline.named<DrillJob>('drill')
  .step('read the backup', readBackup)
  .step('plan a copy of its own', plan, { cleanup: { name: 'the copy', run: removeCopy } })
  .step('bring its image', async ({ run, engine, repository, stored, imageRef }) => ({ images: await bringImages({ run, engine, blobs: repository.blobs, stored, imageRef }) }))
  .act('make its network', async ({ run, engine, network }) => makeNetworks({ run, engine, plan: network }))
  .step('make its volumes', makeItsVolumes)
  .step('write its files', writeFiles)
  .step('write its data', writeMounts)
  .step('create the container', async state => ({ id: await createContainer(state) }))
  .step('write its new volumes', async state => ({ filled: await writeNewVolumes({ ...state, together: [state.id] }) }))
  .step('start it and wait for health', async ({ run, engine, stored, id, copy, drill }) => ({ given: await giveState({ run, engine, stored, id, options: { start: true, settledMs: drill.settledMs, mustStay: true, hint: hintFor(copy, drill), ...(drill.healthSeconds === undefined ? {} : { healthSeconds: drill.healthSeconds }) } }) }))
  .step('run the command in it', async ({ run, engine, id, given, copy, drill }) => ({ command: drill.exec === undefined ? undefined : await execInDrill({ run, engine, id, given, command: drill.exec, seconds: drill.execSeconds, hint: hintFor(copy, drill) }) }))

export async function drillBackup({ options, ...job }: DrillJob): Promise<DrillReport> {
  const startedAt = performance.now()
  const { state: { original, copy, given, command, fileProblems, written, filled }, leftBehind } = await drillPipeline.run({ ...job, options }, { signal: job.run.signal, observer: job.run.reporter })
  for (const { what, problem } of leftBehind) job.run.reporter.warn(`${what}: ${problem}`)
  const problems = [...fileProblems, ...[...written, ...filled].flatMap(({ problems: found, losses }) => [...found, ...losses])]
  return { stored: original, copy, state: given, command, problems, milliseconds: performance.now() - startedAt }
}

/** What a drill would do, with nothing done. */
export async function planDrill(job: DrillJob): Promise<{ readonly stored: StoredContainer; readonly copy: IsolatedCopy }> {
  const { original, copy } = await readBackup(job)
  return { stored: original, copy }
}

async function readBackup({ run, engine, repository, backup, container, options: drill }: DrillJob) {
  const chosen = await chooseBackup(repository, backup, container, text => run.reporter.warn(text))
  const original = await readOne(repository, chosen, container)
  return { original, drill, copy: planIsolation(original, run.id), source: new ChunkReader(repository.blobs), temporary: temporaryJournal(run, engine) }
}

async function readOne(repository: Repository, backup: BackupSummary, container: string | undefined): Promise<StoredContainer> {
  const [name, ...others] = container === undefined ? backup.containers : [container]
  if (name === undefined) throw new DrayError('not-found', `backup "${backup.id}" holds no container`, { hints: [`dray show ${backup.id}`] })
  if (others.length > 0) throw new DrayError('usage', `backup "${backup.id}" holds several containers, and a drill boots one`, { hints: backup.containers.map(each => `dray drill ${backup.id} ${each}`) })
  const [stored] = await readStored(repository, backup, [name])
  if (stored === undefined) throw new RangeError(`container "${name}" was not read`)
  return stored
}

type Read = DrillJob & Awaited<ReturnType<typeof readBackup>>

/** With the paths of files still unknown: enough to know the images, the network and the volumes. */
function plan({ run, engine, original, copy, drill }: Read) {
  const obstacles = new Obstacles()
  const spec = isolateSpec(original.spec, copy, run.id, ({ volume, file }) => `/${volume}/${file ?? ''}`)
  const image = spec.images.find(({ role }) => role === 'original') ?? spec.images[0]
  const imageRef = image?.id ?? spec.inspect.Config.Image
  const request = toCreateRequest(spec, { target: engine.facts, name: copy.name, imageRef, remaps: noRemaps, peers: new Map(), obstacles })
  obstacles.stop(engine.address)
  const options: RestoreOptions = { replace: false, start: true, remaps: noRemaps, keep: [], reader: drill.reader, skipDamaged: false }
  return Promise.resolve({ stored: { ...original, spec }, imageRef, network: { networks: request.networks }, volumes: { request, mounts: [] }, options, aside: undefined })
}

type Planned = Omit<Read, 'options'> & Awaited<ReturnType<typeof plan>>

/** Only then is it known where their files lie on the engine's host. */
async function makeItsVolumes({ run, engine, original, copy, imageRef, volumes }: Planned): Promise<{ stored: StoredContainer; plan: RestorePlan }> {
  await makeVolumes({ run, engine, plan: volumes })
  const paths = new Map<string, string>()
  for (const { volume } of copy.mounts) paths.set(volume, (await engine.volumes.inspect(volume, { signal: run.signal })).Mountpoint)
  const pathOf = ({ volume, file }: { readonly volume: string; readonly file?: string }): string => `${paths.get(volume) ?? ''}/${file ?? ''}`
  const spec = isolateSpec(original.spec, copy, run.id, pathOf)
  const mounts = copy.mounts.filter(({ file }) => file === undefined).map(({ stored, volume }): MountAction => ({ stored, place: { kind: 'volume', name: volume }, action: 'make' }))
  const request = toCreateRequest(spec, { target: engine.facts, name: copy.name, imageRef, remaps: noRemaps, peers: new Map() })
  return { stored: { ...original, spec }, plan: { name: copy.name, request, imageRef, peers: new Map(), networks: [], mounts, notes: [] } }
}

/** Each file into the volume that holds nothing else. */
async function writeFiles({ run, engine, copy, drill, source, temporary }: Planned): Promise<{ fileProblems: string[] }> {
  const fileProblems: string[] = []
  for (const { stored, volume, file } of copy.mounts) {
    if (file === undefined) continue
    const target = await volumeTarget(engine, volume, run.signal)
    await using writer = await openMountWriter({ engine, target, reader: drill.reader, run: run.id, journal: temporary, signal: run.signal })
    const { problems } = await writer.write(passContent(source, stored.content.chunks), run.signal)
    fileProblems.push(...problems)
  }
  return { fileProblems }
}

function hintFor({ name }: IsolatedCopy, { keep }: DrillOptions): string {
  return keep ? `look around in it: docker logs ${name}` : 'look around in it: the same command with --keep'
}

/** Kept, it has a record, by which `dray undo` removes it. What was interrupted is never kept. */
async function removeCopy({ run, engine, drill, copy, original }: Read): Promise<void> {
  const open = run.journal.open()
  const isThere = open.some(({ did }) => did === 'created container')
  const [kept, gone] = drill.keep && isThere && !run.signal.aborted ? split(open) : [[], open]
  if (kept.length > 0) {
    await writeRecord(run.journalFolder, { format: 1, kind: 'drill', run: run.id, command: run.command, at: new Date().toISOString(), engine: { address: engine.address, id: engine.facts.id }, backup: original.backup.id, name: copy.name, made: kept })
    await run.journal.settle(...kept)
  }
  await putAllRight(engine, run, gone, restoreData(run))
}

/** What makes the copy, and what was made for a moment on the way to it. Images have temporary names, which keep them. */
function split(open: ReturnType<Run['journal']['open']>): [typeof open, typeof open] {
  const names = new Set(['created container', 'created volume', 'created network', 'created image', 'created tag'])
  const isOfCopy = (entry: (typeof open)[number]): boolean => names.has(entry.did) && !('container' in entry && entry.container.startsWith('drayage-'))
  return [open.filter(isOfCopy), open.filter(entry => !isOfCopy(entry))]
}
