import type { Json, JsonObject, MountPoint } from '../api-types.ts'
import { hasApi } from './api-version.ts'
import { isEmpty } from './field-rule.ts'
import { objectOf } from './json-values.ts'
import { isAnonymousName, isSameMount, originOf, volumeSources } from './mount-origin.ts'
import { findPeer } from './peers.ts'
import type { ReplayContext } from './replay-context.ts'
import { nameOf } from './spec-record.ts'

/** HostConfig.Mounts, with the mounts of volumes-from written out where it cannot be kept. */
export function mountsToSend(value: Json | undefined, context: ReplayContext): Json | undefined {
  const own = (Array.isArray(value) ? value : []).map(mount => mountForApi(objectOf(mount), context))
  const inherited = inheritedMounts(context)
  if (inherited.length === 0 || keepsVolumesFrom(context)) return value === undefined || value === null ? undefined : own
  return [...own, ...inherited.map(mount => explicitMount(mount, context))]
}

/** Entries renamed to the target's containers, or nothing when the mounts are written out. */
export function volumesFromToSend(value: Json | undefined, context: ReplayContext, kept: boolean): Json | undefined {
  if (isEmpty(value)) return value
  const sources = volumeSources(context.record.inspect)
  if (!kept) {
    context.losses.push({ field: 'HostConfig.VolumesFrom', text: `the mounts of ${sources.map(({ name }) => `"${peerName(name, context)}"`).join(', ')} are written out: no such container with the same mounts is on the target` })
    context.losses.push({ field: 'HostConfig.Mounts', text: 'holds the mounts of volumes-from' })
    return undefined
  }
  return sources.map(({ name, mode }) => [context.peers.get(peerName(name, context))?.name ?? name, mode].filter(part => part !== '').join(':'))
}

/** Every container of volumes-from is on the target, and together they have the mounts that were inherited. */
export function keepsVolumesFrom(context: ReplayContext): boolean {
  const peers = volumeSources(context.record.inspect).map(({ name }) => context.peers.get(peerName(name, context)))
  if (peers.length === 0 || peers.includes(undefined)) return false
  if (peers.some(peer => peer?.mounts === undefined)) return true
  const offered = peers.flatMap(peer => peer?.mounts ?? [])
  return inheritedMounts(context).every(mount => offered.some(each => isSameMount(each, mount) || (each.Destination === mount.Destination && isAnonymousName(each.Name) && isAnonymousName(mount.Name))))
}

export function inheritedMounts({ record }: ReplayContext): MountPoint[] {
  return record.inspect.Mounts.filter(mount => originOf(mount, record) === 'inherited')
}

function peerName(reference: string, { record }: ReplayContext): string {
  return findPeer(record, reference)?.name ?? reference
}

/**
 * An inherited anonymous volume stays one: nothing names it, so that rm -v still removes it. A read-only one has to be named:
 * engines refuse an anonymous volume that nobody may fill.
 */
export function staysAnonymous({ Type, Name, RW }: MountPoint): boolean {
  return Type === 'volume' && RW && isAnonymousName(Name)
}

function explicitMount(mount: MountPoint, { record }: ReplayContext): JsonObject {
  const { Type, Name, Source, Destination, RW, Propagation } = mount
  const common = { Type, Target: Destination, ...(RW ? {} : { ReadOnly: true }) }
  if (Type === 'volume') return staysAnonymous(mount) ? { ...common, ...anonymousOptions(record.volumes.find(volume => volume.Name === Name)) } : { ...common, Source: Name }
  if (Type === 'bind') return { ...common, Source, ...(Propagation === '' ? {} : { BindOptions: { Propagation } }) }
  return Source === '' ? common : { ...common, Source: Name ?? Source }
}

function anonymousOptions(volume: { Driver: string; Options: Record<string, string> | null } | undefined): JsonObject {
  if (volume === undefined || (volume.Driver === 'local' && isEmpty(volume.Options))) return {}
  return { VolumeOptions: { DriverConfig: { Name: volume.Driver, Options: volume.Options ?? {} } } }
}

type OptionRule = { readonly group: string; readonly option: string; readonly since: string; readonly must?: string }

/** Options that older APIs ignore in silence. With `must` the container would see other files: it is not made. */
const optionRules: readonly OptionRule[] = [
  { group: 'BindOptions', option: 'CreateMountpoint', since: '1.42' },
  { group: 'BindOptions', option: 'ReadOnlyNonRecursive', since: '1.44' },
  { group: 'BindOptions', option: 'ReadOnlyForceRecursive', since: '1.44' },
  { group: 'VolumeOptions', option: 'Subpath', since: '1.45', must: 'a part of a volume' },
  { group: 'TmpfsOptions', option: 'Options', since: '1.46' },
]

function mountForApi(mount: JsonObject, context: ReplayContext): JsonObject {
  const { record, target, losses, obstacles } = context
  const type = mount['Type']
  const destination = typeof mount['Target'] === 'string' ? mount['Target'] : ''
  const refuse = (what: string, since: string) => obstacles.push({ text: `container "${nameOf(record.inspect)}" mounts ${what} at "${destination}", which needs API ${since} and the target has ${target.apiVersion}`, hint: 'choose a newer engine as the target' })
  if (type === 'image' && !hasApi(target, '1.48')) refuse('an image', '1.48')
  let sent = mount
  for (const { group, option, since, must } of optionRules) {
    const { [option]: value, ...others } = objectOf(sent[group])
    if (isEmpty(value) || hasApi(target, since)) continue
    if (must !== undefined) refuse(must, since)
    losses.push({ field: `HostConfig.Mounts`, text: `"${destination}": API ${target.apiVersion} does not have ${group}.${option}` })
    sent = { ...sent, [group]: others }
  }
  return sent
}
