import type { ContainerInspect, JsonObject, MountPoint, NetworkInspect, VolumeInspect } from '../../engine/api-types.ts'
import { stringsOf } from '../../engine/spec/json-values.ts'
import { mountsOf } from '../../engine/spec/mount-origin.ts'
import { labelsOf } from '../../mounts/temporary-objects.ts'
import type { ContainerSpec } from '../container-spec.ts'
import { isOfTheMachine, type IsolatedCopy, type IsolatedMount } from './plan-isolation.ts'

/**
 * The spec of the copy: other names, internal networks, no published port, no bind, no labels that others look for, no restart.
 * `pathOf` gives the path of the file in a volume of its own, on the engine's host.
 */
export function isolateSpec(spec: ContainerSpec, copy: IsolatedCopy, run: string, pathOf: (mount: IsolatedMount) => string): ContainerSpec {
  const { inspect } = spec
  const binds = copy.mounts.flatMap(mount => mount.stored.described.destinations.map(({ path, readOnly }) => ({ source: mount.file === undefined ? mount.volume : pathOf(mount), path, readOnly, mount })))
  const mounted = new Set(binds.map(({ path }) => path))
  const config: ContainerInspect['Config'] = Object.assign({}, inspect.Config, { Labels: { ...withoutValues(inspect.Config.Labels), ...labelsOf(run) }, MacAddress: '' })
  const host: JsonObject = {
    ...inspect.HostConfig,
    Binds: binds.map(({ source, path, readOnly, mount }) => [source, path, modeOf(readOnly, mount.file !== undefined)].filter(part => part !== '').join(':')),
    Mounts: mountsOf(inspect.HostConfig['Mounts']).filter(mount => !mounted.has(String(mount['Target'])) && (mount['Type'] === 'tmpfs' || mount['Type'] === 'image')) as JsonObject[],
    ...emptied,
    CapAdd: stringsOf(inspect.HostConfig['CapAdd']).filter(name => !isOfTheMachine(name)),
    ...copy.modes,
  }
  const { State } = inspect
  const runs = State.Status === 'running' || State.Status === 'restarting' || State.Status === 'paused'
  return {
    ...spec,
    images: spec.images.map(image => ({ ...image, names: [] })),
    leftOut: [],
    peers: copy.peers.map(({ id, name }) => ({ id, name, mounts: [] })),
    networks: [...copy.networks.keys()].map(network => networkNamed(network, run)),
    volumes: copy.mounts.map(({ volume }) => volumeNamed(volume, run)),
    inspect: {
      ...inspect,
      Name: `/${copy.name}`,
      State: runs ? { ...State, Status: 'running', Restarting: false } : State,
      RestartCount: 0,
      Config: config,
      HostConfig: host as ContainerInspect['HostConfig'],
      NetworkSettings: { ...inspect.NetworkSettings, Networks: Object.fromEntries([...copy.networks].map(([network, aliases]) => [network, { Aliases: [...aliases] }])) },
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

function networkNamed(name: string, run: string): NetworkInspect {
  return { Id: name, Name: name, Driver: 'bridge', Scope: 'local', Internal: true, Attachable: false, EnableIPv6: false, Labels: labelsOf(run), Options: {}, IPAM: { Driver: 'default', Options: {}, Config: [] } }
}

function volumeNamed(name: string, run: string): VolumeInspect {
  return { Name: name, Driver: 'local', Mountpoint: '', Labels: labelsOf(run), Options: null, Scope: 'local' }
}
