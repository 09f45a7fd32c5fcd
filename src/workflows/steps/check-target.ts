import type { ContainerInspect } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import { ownContainer } from '../../engine/own-container.ts'
import { isImageId } from '../../engine/image-reference.ts'
import { toCreateRequest, type CreateRequest } from '../../engine/spec/create-request.ts'
import { remapRecord } from '../../engine/spec/remap-record.ts'
import { nameOf, type ContainerRecord } from '../../engine/spec/spec-record.ts'
import type { TargetPeer } from '../../engine/spec/replay-context.ts'
import type { MountWriter } from '../../mounts/mount-access.ts'
import type { Obstacles } from '../obstacles.ts'
import type { MountPlace, RestoreOptions, RestorePlan, WantedContainer, WantedMount } from '../restore-plan.ts'
import type { Run, TemporaryJournal } from '../run.ts'
import { composeNotes } from './compose-notes.ts'
import { checkLeftOutBinds, planMountActions } from './check-mounts.ts'
import { checkNetworks } from './check-networks.ts'
import { checkPlaces } from './check-places.ts'
import { checkPorts } from './check-ports.ts'
import { inspectRunning } from './running-containers.ts'

export type CheckJob<Mount extends WantedMount = WantedMount> = {
  readonly run: Run
  readonly engine: Engine
  readonly stored: WantedContainer<Mount>
  readonly options: RestoreOptions
  readonly temporary: TemporaryJournal
  /** Paths of what this program itself needs, beside its journals. */
  readonly own: readonly string[]
  /** Whether what lies in a bind on the target is what the mount holds. */
  readonly holdsSame: (mount: Mount, there: MountWriter, place: MountPlace) => Promise<boolean>
  /** Containers that are made in the same run: recorded name to name on the target. */
  readonly together?: ReadonlyMap<string, string>
  /** Containers of the target that are replaced in the same run. */
  readonly replacing?: readonly ContainerInspect[]
  /** Whether the user can have replaced what is in the way. */
  readonly mayReplace: boolean
}

/** Those of the user but for those that are replaced; asked for when they are first wanted, and once. */
export type RunningContainers = () => Promise<readonly ContainerInspect[]>

/** Finds everything that can be known to fail before anything is changed, and says what is to be done. The caller stops at the obstacles. */
export async function checkTarget<Mount extends WantedMount>(job: CheckJob<Mount>, obstacles: Obstacles): Promise<RestorePlan<Mount>> {
  const { run: { signal }, engine, stored: { spec }, options } = job
  const name = options.name ?? nameOf(spec.inspect)
  const existing = await findContainer(engine, name, signal)
  if (existing !== undefined && !options.replace) obstacles.add(`there is a container "${name}" already (${existing.State.Status})`, job.mayReplace ? 'replace it with --replace, or choose another name with --name' : 'remove or rename it there, or choose another name with --name', { kind: 'name', name, isOnly: (job.together?.size ?? 0) === 0 })
  const replaced = options.replace ? existing : undefined
  if (replaced?.HostConfig.AutoRemove === true && replaced.State.Running) obstacles.add(`container "${name}" would be removed by stopping it (--rm), which leaves no way back`, 'stop it by hand, or choose another name with --name')
  if (replaced !== undefined && replaced.Id === ownContainer()) obstacles.add(`container "${name}" is the one that dray runs in`, 'run dray outside of it, or choose another name with --name')
  const replacing = job.replacing ?? (replaced === undefined ? [] : [replaced])
  const record = remapRecord(spec, options.remaps)
  const peers = new Map([...(await findPeers(engine, spec, signal)), ...[...(job.together ?? [])].map(([recorded, there]) => [recorded, { name: there }] as const)])
  const imageRef = chooseImageRef(spec)
  const request: CreateRequest = toCreateRequest(spec, { target: engine.facts, name, imageRef, remaps: options.remaps, peers, obstacles })
  const networks = await checkNetworks(engine, record, request.networks, replacing, obstacles, signal)
  let asked: Promise<readonly ContainerInspect[]> | undefined
  const running: RunningContainers = () => (asked ??= inspectRunning(engine, replacing.map(({ Id }) => Id), signal))
  await checkPorts(job, record, { running, replacing }, obstacles)
  const mounts = await planMountActions({ ...job, record, request, running, obstacles })
  await checkPlaces(engine, mounts, [...job.own, job.run.journalFolder], obstacles, signal)
  await checkLeftOutBinds(job, record, obstacles)
  return { name, request, imageRef, peers, networks, mounts, ...(replaced === undefined ? {} : { replaced }), notes: [...request.notes.map(({ field, text }) => `${field}: ${text}`), ...composeNotes(spec)] }
}

/** By its name. */
export async function findContainer(engine: Engine, name: string, signal: AbortSignal): Promise<ContainerInspect | undefined> {
  const found = await engine.containers.list({ name: [`^/${name.replaceAll('.', '\\.')}$`] }, { signal })
  const match = found.find(({ Names }) => Names.includes(`/${name}`))
  return match === undefined ? undefined : await engine.containers.inspect(match.Id, { signal })
}

async function findPeers(engine: Engine, { peers }: ContainerRecord, signal: AbortSignal): Promise<Map<string, TargetPeer>> {
  const found = new Map<string, TargetPeer>()
  for (const { name } of peers) {
    const container = await findContainer(engine, name, signal)
    if (container !== undefined) found.set(name, { name, mounts: container.Mounts })
  }
  return found
}

/** Config.Image as recorded. An id means nothing elsewhere: then the image's own first name, else the id that it gets there. */
function chooseImageRef({ inspect, images }: WantedContainer['spec']): string {
  const used = inspect.Config.Image
  return isImageId(used) || used.includes('@') ? (images.find(({ role, names }) => role === 'original' && names.length > 0)?.names[0] ?? used) : used
}
