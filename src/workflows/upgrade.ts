/**
 * A new image under old data: the container is backed up, set aside and made again from the new image, with what somebody gave
 * and not what the old image brought. Until the new one is healthy every failure brings the old one back, running, with its data.
 */
import type { ImageInspect } from '../engine/api-types.ts'
import type { Engine } from '../engine/engine.ts'
import { compareImages, givenInstead, movedDataPaths, movedPorts, newDataPaths, type ImageDifference } from '../engine/spec/compare-images.ts'
import { toCreateRequest, type CreateRequest } from '../engine/spec/create-request.ts'
import { overNewImage } from '../engine/spec/over-new-image.ts'
import { recordContainer } from '../engine/spec/record-container.ts'
import { noRemaps } from '../engine/spec/remap-record.ts'
import { nameOf, type ContainerRecord } from '../engine/spec/spec-record.ts'
import { unlessMissing } from '../engine/unless-missing.ts'
import { DrayError, messageOf } from '../errors/dray-error.ts'
import type { OwnerLock } from '../files/owner-lock.ts'
import { Pipeline } from '../pipeline/pipeline.ts'
import type { Repository } from '../store/repository.ts'
import { keepReplaced, retireKept } from './keep-replaced.ts'
import { isTemporary, putAllRight } from './put-right.ts'
import { whileTransferring } from './reporter.ts'
import type { RestoreOptions } from './restore-plan.ts'
import type { ReplacedData } from './run-records.ts'
import { temporaryJournal, type Run } from './run.ts'
import { hasChanges } from './steps/capture-image.ts'
import { Obstacles } from './obstacles.ts'
import { dependentsLeftBehind } from './steps/choose-together.ts'
import { createContainer } from './steps/create-container.ts'
import { giveState, type GivenState } from './steps/give-state.ts'
import { setAside } from './steps/replace-container.ts'
import { restoreData } from './steps/restore-data.ts'
import { takeTurn } from './steps/restore-turn.ts'

export type UpgradeJob = {
  readonly run: Run
  readonly engine: Engine
  readonly repository: Repository
  readonly lock: OwnerLock
  readonly container: string
  readonly image: string
  readonly options: UpgradeOptions
  readonly version: string
  /** X-Registry-Auth for pulling the image. */
  readonly auth: () => Promise<string>
}

export type UpgradeOptions = Pick<RestoreOptions, 'reader' | 'healthSeconds'> & {
  /** Paths in the container at which data is mounted from now on; one to itself says that it stays there. */
  readonly dataPaths: ReadonlyMap<string, string>
  readonly settledMs: number
}

export type UpgradePlan = { readonly record: ContainerRecord; readonly image: ImageInspect; readonly request: CreateRequest; readonly differences: readonly ImageDifference[]; readonly warnings: readonly string[] }

export type UpgradeReport = UpgradePlan & { readonly id: string; readonly state: GivenState; readonly kept: string; readonly backups: readonly string[]; readonly milliseconds: number }

export const upgradePipeline = Pipeline.named<UpgradeJob>('upgrade')
  .step('look at the container and the image', async job => ({ plan: await planUpgrade(job), temporary: temporaryJournal(job.run, job.engine) }), { undo: { name: 'the old container', run: putBack }, cleanup: { name: 'what was made for the moment', run: closeUp } })
  .step('set the old one aside', async state => ({ aside: await setOldAside(state) }))
  .step('note the way back of its data', async state => ({ replaced: await noteData(state) }))
  .step('create the new one', async ({ run, engine, plan, image }) => ({ id: await createContainer({ run, engine, plan: { request: plan.request, imageRef: image }, images: { wantedId: plan.image.Id } }) }))
  .step('start it and wait for health', start)
  .act('keep it', async ({ run, engine, repository, plan, aside, id, replaced }) => keepReplaced({ run, engine, kind: 'upgrade', repository: repository.path, containers: [{ name: nameOf(plan.record.inspect), id }], aside: [{ inspect: plan.record.inspect, name: aside.name }], replaced, backups: aside.backups }))
  .pointOfNoReturn()
  .act('retire the old one', retireKept)

export async function upgradeContainer(job: UpgradeJob): Promise<UpgradeReport> {
  const startedAt = performance.now()
  const turn = await takeTurn(job)
  try {
    const { state: { plan, id, given, aside } } = await upgradePipeline.run(job, { signal: job.run.signal, observer: job.run.reporter })
    return { ...plan, id, state: given, kept: aside.name, backups: aside.backups, milliseconds: performance.now() - startedAt }
  } finally {
    await turn.release()
  }
}

const articles = { user: 'a', entrypoint: 'an', command: 'a' } as const

/** Looks, and changes nothing but that the image is pulled where it is missing. `conflict` for what stands in the way. */
export async function planUpgrade({ run, engine, container, image: reference, options, auth }: UpgradeJob): Promise<UpgradePlan> {
  const { signal } = run
  const record = await recordContainer(engine, container, { signal })
  const { inspect } = record
  const name = nameOf(inspect)
  const image = await findImage(engine, reference, auth, run)
  const obstacles = new Obstacles()
  if (inspect.HostConfig.AutoRemove) obstacles.add(`container "${name}" would be removed by stopping it (--rm), which leaves no way back`, 'make it again by hand, without --rm')
  if (image.Id === inspect.Image) obstacles.add(`container "${name}" is made from this image already (${image.Id.slice(7, 19)})`, `pull a newer one first: docker pull ${reference}`)
  const [old, next] = [record.image?.Config, image.Config]
  for (const [from] of options.dataPaths) if (!inspect.Mounts.some(({ Destination }) => Destination === from)) obstacles.add(`container "${name}" has no mount at ${from}`, `it has: ${inspect.Mounts.map(({ Destination }) => Destination).join(', ') || 'none'}`)
  const added = newDataPaths(record, old, next).filter(path => ![...options.dataPaths.values()].includes(path))
  for (const path of movedDataPaths(record, old, next)) {
    if (options.dataPaths.has(path)) continue
    obstacles.add(`the data path moved: the old image keeps its data at ${path}, and "${reference}" ${added.length === 0 ? 'declares no volume there' : `at ${added.join(', ')}`}: it would begin without the data`, `read what its makers say about the change; then mount the data where it is looked for: --data-path ${path}:${added[0] ?? 'NEW'}, or where it is: --data-path ${path}:${path}`)
  }
  const wanted = overNewImage(record, image, reference, options.dataPaths)
  const peers = new Map(record.peers.map(peer => [peer.name, { name: peer.name, mounts: peer.mounts }]))
  const request = toCreateRequest(wanted, { target: engine.facts, name, imageRef: reference, remaps: noRemaps, peers, obstacles })
  obstacles.stop(engine.address)
  const differences = compareImages(old, next)
  const project = inspect.Config.Labels?.['com.docker.compose.project']
  const warnings = [
    ...(record.image === undefined ? ['the old image is not on the engine any more: every setting counts as given, and stays'] : []),
    ...((await hasChanges({ engine, container: inspect, signal })) ? ['files that the container has changed outside of its volumes stay behind: they are in the backup and in the old container'] : []),
    ...(project === undefined ? [] : [`it belongs to the compose project "${project}": write the new image into its file too; compose takes the old container, which is kept, for one of its own until dray clean --kept`]),
    ...(await dependentsLeftBehind(engine, [inspect], signal)).map(other => `container "${other.name}" uses the ${other.shares} of "${name}": it has to be made again afterwards, to use those of the new one`),
    ...(record.image === undefined ? [] : givenInstead(record, differences)).map(what => `the container was given ${articles[what]} ${what} of its own, which stays: the new image's is not used`),
    ...movedPorts(record, old, next).map(port => `port ${port} is published, and the new image does not expose it: its program may listen elsewhere`),
    ...added.map(path => `the new image keeps data at ${path}, where the container has no volume yet: it gets a new, anonymous one`),
    ...request.losses.map(({ field, text }) => `${field}: ${text}`),
  ]
  return { record, image, request, differences, warnings }
}

async function findImage(engine: Engine, reference: string, auth: () => Promise<string>, { signal, reporter }: Run): Promise<ImageInspect> {
  const found = await unlessMissing(engine.images.inspect(reference, { signal }))
  if (found !== undefined) return found
  try {
    await whileTransferring(reporter, `pulling ${reference}`, async transfer => engine.images.pull(reference, { auth: await auth(), signal, onProgress: bytes => { transfer.add(bytes) } }))
  } catch (thrown) {
    signal.throwIfAborted()
    throw new DrayError('not-found', `image "${reference}" is not on "${engine.address}", and cannot be pulled: ${messageOf(thrown)}`, { hints: [`nothing was changed: bring it there first, with docker pull or docker load`], cause: thrown })
  }
  return await engine.images.inspect(reference, { signal })
}

type Planned = UpgradeJob & { readonly plan: UpgradePlan; readonly temporary: ReturnType<typeof temporaryJournal> }
type OldAside = { readonly name: string; readonly backups: readonly string[]; readonly holderOf: (source: string) => string | undefined }

/** Stopped, backed up at rest and read back, and under another name. */
async function setOldAside(job: Planned): Promise<OldAside> {
  const { inspect } = job.plan.record
  const aside = await setAside({ ...job, options: { replace: true, start: true, remaps: noRemaps, keep: [], reader: job.options.reader, skipDamaged: false }, plans: [{ replaced: inspect, mounts: [] }] })
  const [old] = aside?.containers ?? []
  if (aside === undefined || old === undefined) throw new DrayError('unexpected', `container "${nameOf(inspect)}" was not set aside`)
  return { name: old.name, backups: aside.backups, holderOf: aside.holderOf }
}

/** The new program may change what it finds: until it is healthy the way back brings the data as it was, too. */
async function noteData({ run, engine, repository, plan, aside }: Planned & { readonly aside: OldAside }): Promise<ReplacedData[]> {
  const replaced = new Map<string, ReplacedData>()
  for (const { Type, Name, Source, RW } of plan.record.inspect.Mounts) {
    const source = Type === 'volume' ? Name : Source
    const backup = source === undefined || !RW ? undefined : aside.holderOf(source)
    if (source === undefined || backup === undefined || replaced.has(source)) continue
    replaced.set(source, Type === 'volume' ? { backup, volume: source } : { backup, path: source })
    const way = Type === 'volume' ? { did: 'replaced volume data' as const, volume: source } : { did: 'replaced path' as const, path: source }
    await run.journal.record(engine, { ...way, backup, repository: repository.path })
  }
  return [...replaced.values()]
}

async function start({ run, engine, plan, options, id, aside }: Planned & { readonly id: string; readonly aside: OldAside }): Promise<{ given: GivenState }> {
  const { inspect } = plan.record
  // Health is what the new image's check says; that of the old one may have been bad.
  const { Health, ...state } = inspect.State
  const spec = { ...plan.record, inspect: { ...inspect, RestartCount: 0, State: { ...state, Restarting: false, Status: state.Status === 'restarting' ? 'running' as const : state.Status, ...(hasCheck(plan) ? { Health: { Status: 'healthy' as const, FailingStreak: 0, Log: [] } } : Health === undefined ? {} : { Health: { ...Health, Status: 'none' as const } }) } }, images: [], leftOut: [] }
  return { given: await giveState({ run, engine, stored: { spec }, id, options: { start: true, settledMs: options.settledMs, mustStay: true, hint: `container "${nameOf(inspect)}" runs as before; backup of it: ${aside.backups.join(', ')}`, ...(options.healthSeconds === undefined ? {} : { healthSeconds: options.healthSeconds }) } }) }
}

function hasCheck({ request }: UpgradePlan): boolean {
  const check = request.body['Healthcheck'] as { Test?: string[] } | null | undefined
  return (check?.Test?.length ?? 0) > 0 && check?.Test?.[0] !== 'NONE'
}

/** Newest first: the new one goes, the data comes back, the old one gets its name and runs. */
async function putBack({ run, engine }: UpgradeJob): Promise<'nothing to undo' | undefined> {
  const open = run.journal.open()
  await putAllRight(engine, run, open, restoreData(run))
  return open.length > 0 ? undefined : 'nothing to undo'
}

async function closeUp({ run, engine }: UpgradeJob): Promise<void> {
  await putAllRight(engine, run, run.journal.open().filter(entry => isTemporary(entry, run.id)), restoreData(run))
}
