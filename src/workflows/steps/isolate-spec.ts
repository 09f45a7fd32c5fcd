import type { ContainerInspect, JsonObject, MountPoint, NetworkInspect, VolumeInspect } from '../../engine/api-types.ts'
import { stringsOf } from '../../engine/spec/json-values.ts'
import { mountsOf } from '../../engine/spec/mount-origin.ts'
import { sharedContainer } from '../../engine/spec/network-mode.ts'
import { nameOf } from '../../engine/spec/spec-record.ts'
import { labelsOf } from '../../mounts/temporary-objects.ts'
import type { ContainerSpec } from '../container-spec.ts'
import type { StoredContainer, StoredMount } from '../restore-plan.ts'

/** Where a mount's data goes in the copy: into a volume of its own; a file into a volume that holds nothing else. */
export type IsolatedMount = { readonly stored: StoredMount; readonly volume: string; readonly file?: string }

export type IsolatedCopy = {
  readonly name: string
  readonly network: string
  readonly mounts: readonly IsolatedMount[]
  /** What the copy is not given, and why. */
  readonly notes: readonly string[]
}

/** Of the machine as a whole: a copy with them could disturb what runs there. */
const ofTheMachine = new Set(['ALL', 'SYS_TIME', 'SYS_MODULE', 'SYS_RAWIO', 'SYS_BOOT'])

/** Names for a copy that meets nothing of the user's. */
export function planIsolation({ spec, mounts }: StoredContainer, run: string): IsolatedCopy {
  const { inspect } = spec
  const { HostConfig: host } = inspect
  const prefix = `drayage-${run}`
  const given = (what: string, is: boolean): string[] => (is ? [what] : [])
  return {
    name: `${prefix}-${nameOf(inspect)}`,
    network: `${prefix}-net`,
    mounts: mounts.map((stored, at) => ({ stored, volume: `${prefix}-m${at + 1}`, ...(stored.described.kind === 'file' ? { file: stored.described.source.replace(/^.*\//, '') } : {}) })),
    notes: [
      ...spec.leftOut.filter(({ source }) => source !== 'tmpfs').map(({ destination, source, reason }) => `without ${source} at ${destination}, which the backup does not hold (${reason})`),
      ...given('not privileged, as the recorded one is', host['Privileged'] === true),
      ...given('without the devices of the host', Array.isArray(host['Devices']) && host['Devices'].length > 0),
      ...stringsOf(host['CapAdd']).filter(isOfTheMachine).map(name => `without the capability ${name}`),
      ...(['NetworkMode', 'PidMode', 'IpcMode', 'UTSMode'] as const).flatMap(field => given(`${field} is its own, not ${JSON.stringify(host[field])}`, host[field] === 'host' || sharedContainer(host[field]) !== undefined)),
      ...given('without its links to other containers', stringsOf(host['Links']).length > 0),
    ],
  }
}

/**
 * The spec of the copy: other names, one internal network instead of all, no published port, no bind, no labels that others look
 * for, no restart. `pathOf` gives the path of the file in a volume of its own, on the engine's host.
 */
export function isolateSpec(spec: ContainerSpec, copy: IsolatedCopy, run: string, pathOf: (mount: IsolatedMount) => string): ContainerSpec {
  const { inspect } = spec
  const binds = copy.mounts.flatMap(mount => mount.stored.described.destinations.map(({ path, readOnly }) => ({ source: mount.file === undefined ? mount.volume : pathOf(mount), path, readOnly, mount })))
  const mounted = new Set(binds.map(({ path }) => path))
  const mode = inspect.HostConfig.NetworkMode === 'none' ? 'none' : copy.network
  const aliases = Object.values(inspect.NetworkSettings.Networks).flatMap(({ Aliases }) => stringsOf(Aliases)).filter(alias => alias !== inspect.Id.slice(0, 12))
  const config: ContainerInspect['Config'] = Object.assign({}, inspect.Config, { Labels: { ...withoutValues(inspect.Config.Labels), ...labelsOf(run) }, MacAddress: '' })
  const host: JsonObject = {
    ...inspect.HostConfig,
    Binds: binds.map(({ source, path, readOnly, mount }) => [source, path, modeOf(readOnly, mount.file !== undefined)].filter(part => part !== '').join(':')),
    Mounts: mountsOf(inspect.HostConfig['Mounts']).filter(mount => !mounted.has(String(mount['Target'])) && (mount['Type'] === 'tmpfs' || mount['Type'] === 'image')) as JsonObject[],
    ...emptied,
    PidMode: ownUnless(inspect.HostConfig['PidMode']),
    IpcMode: ownUnless(inspect.HostConfig['IpcMode'], 'private'),
    CapAdd: stringsOf(inspect.HostConfig['CapAdd']).filter(name => !isOfTheMachine(name)),
    NetworkMode: mode,
  }
  const { State } = inspect
  const runs = State.Status === 'running' || State.Status === 'restarting' || State.Status === 'paused'
  return {
    ...spec,
    images: spec.images.map(image => ({ ...image, names: [] })),
    leftOut: [],
    peers: [],
    networks: mode === 'none' ? [] : [networkNamed(copy.network, run)],
    volumes: copy.mounts.map(({ volume }) => volumeNamed(volume, run)),
    inspect: {
      ...inspect,
      Name: `/${copy.name}`,
      State: runs ? { ...State, Status: 'running', Restarting: false } : State,
      RestartCount: 0,
      Config: config,
      HostConfig: host as ContainerInspect['HostConfig'],
      NetworkSettings: { ...inspect.NetworkSettings, Networks: mode === 'none' ? {} : { [copy.network]: { Aliases: [...new Set([...aliases, nameOf(inspect)])] } } },
      Mounts: binds.map(({ source, path, readOnly, mount }): MountPoint => ({ Type: mount.file === undefined ? 'volume' : 'bind', ...(mount.file === undefined ? { Name: mount.volume, Driver: 'local' } : {}), Source: source, Destination: path, Mode: '', RW: !readOnly, Propagation: '' })),
    },
  }
}

const emptied: JsonObject = { VolumesFrom: null, PortBindings: {}, PublishAllPorts: false, Links: null, Devices: null, DeviceCgroupRules: null, Privileged: false, UTSMode: '', CgroupParent: '', VolumeDriver: '', LogConfig: null, AutoRemove: false, RestartPolicy: { Name: 'no', MaximumRetryCount: 0 } }

/** A commit carries the container's labels, and what is not given comes from the image: so each is given, and says nothing. */
function withoutValues(labels: Record<string, string> | null): Record<string, string> {
  return Object.fromEntries(Object.keys(labels ?? {}).map(label => [label, '']))
}

/** Engines refuse a bind of what lies in their own root unless it is a slave. */
function modeOf(readOnly: boolean, isFile: boolean): string {
  return [...(readOnly ? ['ro'] : []), ...(isFile ? ['rslave'] : [])].join(',')
}

function isOfTheMachine(name: string): boolean {
  return ofTheMachine.has(name.toUpperCase().replace(/^CAP_/, ''))
}

function ownUnless(mode: unknown, own = ''): string {
  return typeof mode === 'string' && mode !== 'host' && sharedContainer(mode) === undefined ? mode : own
}

function networkNamed(name: string, run: string): NetworkInspect {
  return { Id: name, Name: name, Driver: 'bridge', Scope: 'local', Internal: true, Attachable: false, EnableIPv6: false, Labels: labelsOf(run), Options: {}, IPAM: { Driver: 'default', Options: {}, Config: [] } }
}

function volumeNamed(name: string, run: string): VolumeInspect {
  return { Name: name, Driver: 'local', Mountpoint: '', Labels: labelsOf(run), Options: null, Scope: 'local' }
}
