import { posix } from 'node:path'
import picomatch from 'picomatch'
import type { MountPoint } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import { originOf } from '../../engine/spec/mount-origin.ts'
import type { ContainerRecord } from '../../engine/spec/spec-record.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { BindKind } from '../../mounts/bind-kind.ts'
import type { MountTarget } from '../../mounts/mount-access.ts'
import type { LeftOutMount } from '../container-spec.ts'
import { isHexName } from '../mount-description.ts'
import { holdsOwn, isWithin, kernelFolders, ownPlaces } from './own-places.ts'

/** One volume or bind source, wherever the container has it mounted. */
export type PlannedMount = {
  /** Unique in the backup. */
  readonly id: string
  /** For messages: the volume's name, of an anonymous one its mount point, or the path. */
  readonly label: string
  readonly target: MountTarget
  readonly anonymous: boolean
  readonly driver?: string
  readonly options?: Record<string, string>
  readonly labels?: Record<string, string>
  readonly destinations: readonly { readonly path: string; readonly readOnly: boolean }[]
}

export type MountPlan = { readonly captured: readonly PlannedMount[]; readonly leftOut: readonly LeftOutMount[]; readonly missing: readonly LeftOutMount[] }

export type PlanMountsJob = {
  readonly engine: Engine
  readonly record: ContainerRecord
  /** Names of volumes, destinations, sources, or globs of them. */
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  /** Of the repository that is written to, if there is one. */
  readonly repositoryPath?: string
  readonly kindOf: (path: string) => Promise<BindKind>
}

/**
 * Which of a container's mounts a backup reads. `leftOut` names the rest: what can never be captured and what is not captured
 * unless asked. `missing` should have been captured and cannot be.
 */
export async function planMounts(job: PlanMountsJob): Promise<MountPlan> {
  const { record } = job
  const captured: PlannedMount[] = []
  const leftOut: LeftOutMount[] = [...tmpfsMounts(record)]
  const missing: LeftOutMount[] = []
  for (const mounts of bySource(record.inspect.Mounts)) {
    const [mount] = mounts
    if (mount === undefined || mount.Type === 'tmpfs') continue
    const decision = await decide(mount, job)
    if ('target' in decision) captured.push(toPlanned(`m${captured.length + 1}`, decision.target, mounts, record))
    else (decision.missing ? missing : leftOut).push(...mounts.map(({ Destination, Source, Name }) => ({ destination: Destination, source: Name ?? Source, reason: decision.reason, canBeAsked: decision.canBeAsked, ...(decision.isExcluded === true ? { isExcluded: true } : {}) })))
  }
  return { captured, leftOut, missing }
}

type Decision = { readonly target: MountTarget } | { readonly reason: string; readonly canBeAsked: boolean; readonly isExcluded?: boolean; readonly missing?: boolean }

async function decide(mount: MountPoint, job: PlanMountsJob): Promise<Decision> {
  const { record, engine, include, exclude, kindOf, repositoryPath } = job
  const own = await ownPlaces(engine, repositoryPath === undefined ? [] : [repositoryPath])
  if (namedBy(exclude, mount)) return { reason: 'excluded, as asked', canBeAsked: false, isExcluded: true }
  if (mount.Type === 'volume') {
    const volume = record.volumes.find(({ Name }) => Name === mount.Name)
    if (volume === undefined || mount.Name === undefined) return { reason: 'the engine has no such volume', canBeAsked: false, missing: true }
    if (volume.Mountpoint !== '' && !namedBy(include, mount) && (await holdsOwn(volume.Mountpoint, own))) return { reason: holdsRepository, canBeAsked: true }
    return { target: { kind: 'volume', name: mount.Name, mountpoint: volume.Mountpoint, driver: volume.Driver } }
  }
  if (mount.Type !== 'bind') return { reason: `mounts of type ${mount.Type} hold no data of the container`, canBeAsked: false }
  const reason = whyNotUnlessAsked(mount.Source, engine.facts.rootDir) ?? ((await holdsOwn(mount.Source, own)) ? holdsRepository : undefined)
  if (reason !== undefined && !namedBy(include, mount)) return { reason, canBeAsked: true }
  const kind = await kindOf(mount.Source)
  switch (kind) {
    case 'directory':
    case 'file':
      return { target: { kind, path: mount.Source } }
    case 'missing':
      return { reason: 'its source does not exist on the host', canBeAsked: false, missing: true }
    default:
      return { reason: `a ${kind} has no content that could be captured`, canBeAsked: false }
  }
}

/** Things of the host, and things that would hold the backup itself. */
function whyNotUnlessAsked(source: string, dataRoot: string): string | undefined {
  const path = posix.normalize(source).replace(/(.)\/+$/, '$1')
  if (path === '/') return 'the whole root file system of the host'
  if (kernelFolders.some(top => isWithin(path, top))) return 'a path of the kernel or of running programs'
  if (['/etc/localtime', '/etc/timezone', '/usr/share/zoneinfo'].some(top => isWithin(path, top))) return 'the host\'s own time zone'
  if (isWithin(path, '/lib/modules') || isWithin(path, '/usr/lib/modules')) return 'the modules of the host\'s kernel'
  if (isWithin(dataRoot, path) || (isWithin(path, dataRoot) && !isWithin(path, `${dataRoot}/volumes`))) return 'the engine\'s own data'
  return undefined
}

const holdsRepository = 'it holds the repository itself'

/** tmpfs is memory: it is in HostConfig.Tmpfs or, since API 1.25, in Mounts. */
function tmpfsMounts({ inspect }: ContainerRecord): LeftOutMount[] {
  const inMemory = new Set([...Object.keys((inspect.HostConfig['Tmpfs'] as Record<string, string> | null | undefined) ?? {}), ...inspect.Mounts.filter(({ Type }) => Type === 'tmpfs').map(({ Destination }) => Destination)])
  return [...inMemory].map(destination => ({ destination, source: 'tmpfs', reason: 'tmpfs is memory', canBeAsked: false }))
}

/** Engines list mounts in no order: by destination, a backup's list is the same each night. */
function bySource(mounts: readonly MountPoint[]): MountPoint[][] {
  const groups = new Map<string, MountPoint[]>()
  for (const mount of [...mounts].sort((a, b) => (a.Destination < b.Destination ? -1 : 1))) {
    const key = `${mount.Type} ${mount.Name ?? mount.Source}`
    groups.set(key, [...(groups.get(key) ?? []), mount])
  }
  return [...groups.values()]
}

function toPlanned(id: string, target: MountTarget, mounts: readonly MountPoint[], record: ContainerRecord): PlannedMount {
  const [first] = mounts
  const volume = target.kind === 'volume' ? record.volumes.find(({ Name }) => Name === target.name) : undefined
  const anonymous = first !== undefined && originOf(first, record) === 'anonymous'
  const label = target.kind !== 'volume' ? target.path : anonymous || /^[0-9a-f]{64}$/.test(target.name) ? `anonymous volume at ${first?.Destination ?? ''}` : target.name
  return {
    id,
    label,
    target,
    anonymous,
    ...(volume === undefined ? {} : { driver: volume.Driver, options: volume.Options ?? {}, labels: volume.Labels ?? {} }),
    destinations: mounts.map(({ Destination, RW }) => ({ path: Destination, readOnly: !RW })),
  }
}

export function namedBy(patterns: readonly string[], { Name, Source, Destination }: MountPoint): boolean {
  const names = [Name, Source, Destination].filter(each => each !== undefined)
  return patterns.some(pattern => names.includes(pattern) || names.includes(pattern.replace(/(.)\/+$/, '$1')) || names.some(name => picomatch.isMatch(name, pattern, { dot: true })))
}

/** A name that names no mount of any of the containers is a mistake that would go unseen for years: `usage`. */
export function checkPatterns(containers: readonly { readonly name: string; readonly mounts: readonly MountPoint[] }[], patterns: readonly string[]): void {
  const mounts = containers.flatMap(each => each.mounts)
  const [first, second] = containers
  for (const pattern of patterns) {
    if (first === undefined || picomatch.scan(pattern).isGlob || mounts.some(mount => namedBy([pattern], mount))) continue
    const names = mounts.map(({ Name, Source, Destination }) => (Name !== undefined && isHexName(Name) ? Destination : `${Name ?? Source} (at ${Destination})`))
    const whose = second === undefined ? `container "${first.name}"` : 'any of the containers'
    throw new DrayError('usage', `"${pattern}" names no mount of ${whose}`, { hints: [names.length === 0 ? 'there are no mounts' : `${second === undefined ? 'its' : 'their'} mounts: ${names.slice(0, mostNamed).join(', ')}${names.length > mostNamed ? ', …' : ''}`] })
  }
}

const mostNamed = 20
