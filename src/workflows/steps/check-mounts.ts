import { posix } from 'node:path'
import type { MountPoint, VolumeInspect } from '../../engine/api-types.ts'
import type { CreateRequest } from '../../engine/spec/create-request.ts'
import { originOf } from '../../engine/spec/mount-origin.ts'
import { remapPath } from '../../engine/spec/remap-record.ts'
import type { ContainerRecord } from '../../engine/spec/spec-record.ts'
import { unlessMissing } from '../../engine/unless-missing.ts'
import type { VolumeCreate } from '../../engine/spec/volume-request.ts'
import { kindOfBind } from '../../mounts/bind-kind.ts'
import { whyNotMade } from '../../mounts/bind-path.ts'
import type { MountWriter } from '../../mounts/mount-access.ts'
import { openMountWriter } from '../../mounts/open-mount.ts'
import { isHexName } from '../mount-description.ts'
import { comesWith, describePlace, keptAsAsked, mayReplaceData, type MountAction, type MountPlace, type WantedMount } from '../restore-plan.ts'
import type { Obstacles } from '../obstacles.ts'
import type { CheckJob, RunningContainers } from './check-target.ts'
import { usersOfPath, usersOfVolume } from './running-containers.ts'

export type MountActionsJob<Mount extends WantedMount = WantedMount> = CheckJob<Mount> & { readonly record: ContainerRecord; readonly request: CreateRequest; readonly running: RunningContainers; readonly obstacles: Obstacles }

/** What happens to each mount. Data is never merged: what holds other data is a conflict, unless it is to be replaced or kept. */
export async function planMountActions<Mount extends WantedMount>(job: MountActionsJob<Mount>): Promise<MountAction<Mount>[]> {
  const actions: MountAction<Mount>[] = []
  for (const stored of job.stored.mounts) actions.push(await planAction(job, stored))
  await checkDevices(job)
  return actions
}

/** A new volume that mounts a folder of the host: without that folder no container would start. */
async function checkDevices({ engine, run, request, temporary, obstacles, options }: Pick<MountActionsJob, 'engine' | 'run' | 'request' | 'temporary' | 'obstacles' | 'options'>): Promise<void> {
  for (const { Name, Driver, DriverOpts: { device, o } = {} } of request.volumes) {
    if (Driver !== 'local' || device?.startsWith('/') !== true || !(o ?? '').split(',').some(option => option === 'bind' || option === 'rbind')) continue
    if ((await unlessMissing(engine.volumes.inspect(Name, { signal: run.signal }))) !== undefined) continue
    const kind = await kindOfBind({ engine, path: device, run: run.id, journal: temporary, signal: run.signal })
    if (kind !== 'missing') continue
    if (options.makePaths?.includes(device) === true) await checkMakeable({ engine, run, temporary, obstacles }, device, device)
    else obstacles.add(`volume "${Name}" mounts "${device}", which the target does not have`, `have it made: --make-path ${device}, or use another path: --map-bind ${device}:OTHER`, { kind: 'path', source: device, path: device, mayKeep: false, mayMake: true })
  }
}

async function planAction<Mount extends WantedMount>(job: MountActionsJob<Mount>, stored: Mount): Promise<MountAction<Mount>> {
  const { options, request } = job
  const { kind, source, label } = stored.described
  if (kind === 'dump') throw new RangeError(`"${label}" is mounted nowhere`)
  const anonymous = request.anonymous.find(({ recordedName }) => kind === 'volume' && recordedName === source)
  if (anonymous !== undefined) return { stored, place: { kind: 'anonymous', destination: anonymous.destination }, ...(options.only === 'spec' ? { action: 'keep', because: onlySpec } : { action: 'make' }) }
  const place: MountPlace = kind === 'volume' ? { kind, name: options.remaps.volumes.get(source) ?? source } : { kind, path: remapPath(source, options.remaps.binds) }
  const owner = ownerOf(job, source)
  if (owner !== undefined) return { stored, place, action: 'keep', because: [...(job.together?.values() ?? [])].includes(owner) ? `${comesWith} container "${owner}"` : `it belongs to container "${owner}", which is there` }
  if (options.only === 'spec') return await planNoData(job, stored, place)
  const names = [source, label, place.kind === 'volume' ? place.name : place.path, ...stored.described.destinations.map(({ path }) => path)]
  if (options.keep.some(each => names.includes(each))) return { stored, place, action: 'keep', because: keptAsAsked }
  return place.kind === 'volume' ? await planVolume(job, stored, place.name) : await planBind(job, stored, place)
}

const onlySpec = 'only the spec was asked for'

/** A volume that is missing is made empty; the engine would make a folder of any path. */
async function planNoData<Mount extends WantedMount>({ engine, run, temporary, obstacles }: MountActionsJob<Mount>, stored: Mount, place: MountPlace): Promise<MountAction<Mount>> {
  if ('path' in place) {
    const kind = await kindOfBind({ engine, path: place.path, run: run.id, journal: temporary, signal: run.signal })
    if (kind !== place.kind) obstacles.add(`${describePlace(place)} is ${kind === 'missing' ? 'not there' : `a ${kind}`} on the target, and only the spec is restored`, `make it there first, or bring it: --only data; or use another path: --map-bind ${stored.described.source}:OTHER`, { kind: 'path', source: stored.described.source, path: place.path, mayKeep: false })
  }
  return { stored, place, action: 'keep', because: onlySpec }
}

/** The container on the target that a mount was, and is again, inherited from. */
function ownerOf({ stored: { spec }, request }: Pick<MountActionsJob, 'stored' | 'request'>, source: string): string | undefined {
  const mounts = spec.inspect.Mounts.filter(mount => (mount.Name ?? mount.Source) === source)
  const kept = (request.body['HostConfig'] as { VolumesFrom?: string[] } | undefined)?.VolumesFrom ?? []
  const isInherited = mounts.length > 0 && mounts.every(mount => originOf(mount, spec) === 'inherited')
  return isInherited ? kept[0]?.split(':')[0] : undefined
}

async function planVolume<Mount extends WantedMount>(job: MountActionsJob<Mount>, stored: Mount, name: string): Promise<MountAction<Mount>> {
  const { engine, run, request, options, obstacles } = job
  const place = { kind: 'volume', name } as const
  const wanted = request.volumes.find(({ Name }) => Name === name)
  const found = await unlessMissing(engine.volumes.inspect(name, { signal: run.signal }))
  if (found === undefined) return { stored, place, action: 'make' }
  const what = describePlace(place)
  const difference = wanted === undefined ? undefined : differenceOf(wanted, found)
  if (difference !== undefined) obstacles.add(`${what} is there with ${difference}`, `restore into another volume: --map-volume ${stored.described.source}:OTHER, or remove it: docker volume rm ${name}`, { kind: 'volume', source: stored.described.source, name, mayKeep: false })
  await using writer = await openMountWriter({ engine, target: { kind: 'volume', name, mountpoint: found.Mountpoint, driver: found.Driver }, reader: options.reader, run: run.id, journal: job.temporary, signal: run.signal })
  if (await writer.isEmpty(run.signal)) return { stored, place, action: 'fill' }
  if (!mayReplaceData(options, stored.described.source)) {
    obstacles.add(`${what} is there and not empty`, `${replaceIt(job, `docker volume rm ${name}`)}keep it with --keep ${nameToType(name, stored)}, or restore into another volume: --map-volume ${stored.described.source}:OTHER`, { kind: 'volume', source: stored.described.source, name, mayKeep: true })
  } else {
    await checkReplaceable({ writer, what, folder: found.Mountpoint, elsewhere: `restore into another volume: --map-volume ${stored.described.source}:OTHER` }, obstacles, run.signal)
    const users = usersOfVolume(await job.running(), name)
    if (users.length > 0) obstacles.add(`${what} is in use by container ${users.map(each => `"${each}"`).join(', ')}`, `stop it, or restore into another volume: --map-volume ${stored.described.source}:OTHER`, { kind: 'volume', source: stored.described.source, name, mayKeep: true })
  }
  return { stored, place, action: 'replace' }
}

async function planBind<Mount extends WantedMount>(job: MountActionsJob<Mount>, stored: Mount, place: MountPlace & { kind: 'directory' | 'file' }): Promise<MountAction<Mount>> {
  const { engine, run, options, obstacles } = job
  const { signal } = run
  const what = describePlace(place)
  const kind = await kindOfBind({ engine, path: place.path, run: run.id, journal: job.temporary, signal })
  if (kind === 'missing') {
    await checkMakeable(job, stored.described.source, place.path)
    return { stored, place, action: 'make' }
  }
  const elsewhere = `restore it elsewhere: --map-bind ${stored.described.source}:OTHER`
  if (kind !== place.kind) {
    obstacles.add(`${what} is a ${kind} on the target, it was a ${place.kind}`, elsewhere, { kind: 'path', source: stored.described.source, path: place.path, mayKeep: false })
    return { stored, place, action: 'keep' }
  }
  await using writer = await openMountWriter({ engine, target: place, reader: options.reader, run: run.id, journal: job.temporary, signal })
  if (await writer.isEmpty(signal)) return { stored, place, action: 'fill' }
  if (await job.holdsSame(stored, writer, place)) return { stored, place, action: 'keep', because: 'it holds the same already' }
  const mayReplace = mayReplaceData(options, stored.described.source)
  const users = mayReplace ? usersOfPath(await job.running(), place.path) : []
  if (users.length > 0) obstacles.add(`${what} is in use by container ${users.map(each => `"${each}"`).join(', ')}`, `stop it, or ${elsewhere}`, { kind: 'path', source: stored.described.source, path: place.path, mayKeep: true })
  if (mayReplace) await checkReplaceable({ writer, what, folder: place.kind === 'file' ? posix.dirname(place.path) : place.path, elsewhere }, obstacles, signal)
  if (!mayReplace) obstacles.add(`${what} is there with other content`, `${replaceIt(job, 'by hand')}keep it with --keep ${place.path}, or ${elsewhere}`, { kind: 'path', source: stored.described.source, path: place.path, mayKeep: true })
  return { stored, place, action: 'replace' }
}

/** The folder of a path that is missing can be made, or is there. */
async function checkMakeable({ engine, run, temporary, obstacles }: Pick<CheckJob, 'engine' | 'run' | 'temporary'> & { readonly obstacles: Obstacles }, source: string, path: string): Promise<void> {
  const because = await whyNotMade({ engine, path, run: run.id, journal: temporary, signal: run.signal })
  if (because !== undefined) obstacles.add(`"${path}" cannot be made: ${because}`, `use another path: --map-bind ${source}:OTHER`, { kind: 'path', source, path, mayKeep: false })
}

/** Nobody types the name of an anonymous volume: where it is mounted means it, too. */
function nameToType(name: string, { described }: WantedMount): string {
  return isHexName(name) ? (described.destinations[0]?.path ?? name) : name
}

function replaceIt({ mayReplace }: Pick<CheckJob, 'mayReplace'>, remove: string): string {
  return mayReplace ? 'replace its data with --replace, ' : `remove it there when nobody needs what it holds (${remove}), `
}

/** Found when half of the rest was gone already it would stand in the way of the way back, too. */
async function checkReplaceable({ writer, what, folder, elsewhere }: { readonly writer: MountWriter; readonly what: string; readonly folder: string; readonly elsewhere: string }, obstacles: Obstacles, signal: AbortSignal): Promise<void> {
  if (!writer.canList) obstacles.add(`${what} is not empty, and the engine's archive endpoints (--reader api) cannot empty it`, `leave --reader out, or take --reader helper or host; or ${elsewhere}`)
  const fixed = await writer.findFixed(signal)
  if (fixed === undefined) return
  const path = posix.join(folder, fixed.toString())
  obstacles.add(`"${path}" is immutable or append-only, and cannot be replaced`, `let it be changed, on the engine's host: chattr -i -a "${path}"`)
}

/** The engine would make a directory of a source that is missing: for a file or a socket that is never right. */
export async function checkLeftOutBinds({ engine, run, temporary, stored, options }: Pick<CheckJob, 'engine' | 'run' | 'temporary' | 'stored' | 'options'>, record: ContainerRecord, obstacles: Obstacles): Promise<void> {
  const leftOut = new Set(stored.spec.leftOut.map(({ destination }) => destination))
  for (const { Type, Source, Destination } of record.inspect.Mounts.filter((mount: MountPoint) => mount.Type === 'bind' && leftOut.has(mount.Destination))) {
    const kind = await kindOfBind({ engine, path: Source, run: run.id, journal: temporary, signal: run.signal })
    const mayMake = stored.spec.leftOut.some(({ destination, isExcluded }) => destination === Destination && isExcluded === true)
    if (kind !== 'missing') continue
    if (options.makePaths?.includes(Source) === true) await checkMakeable({ engine, run, temporary, obstacles }, Source, Source)
    else obstacles.add(`${Type} "${Source}" at ${Destination} is not captured, and the target does not have it`, `make it on the target${mayMake ? `: --make-path ${Source} makes an empty folder` : ''}, or use another path: --map-bind ${Source}:OTHER`, { kind: 'path', source: Source, path: Source, mayKeep: false, mayMake })
  }
}

function differenceOf(wanted: VolumeCreate, { Driver, Options }: VolumeInspect): string | undefined {
  if (wanted.Driver !== Driver) return `driver "${Driver}" instead of "${wanted.Driver}"`
  const sorted = (options: Record<string, string> | null): string => JSON.stringify(Object.entries(options ?? {}).sort())
  return sorted(wanted.DriverOpts ?? null) === sorted(Options) ? undefined : 'other driver options'
}
