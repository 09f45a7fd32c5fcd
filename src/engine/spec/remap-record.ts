import { DrayError } from '../../errors/dray-error.ts'
import type { ContainerInspect, EndpointSettings, Json, JsonObject, MountPoint, VolumeInspect } from '../api-types.ts'
import { formatBind, isVolumeName, parseBind } from './bind-string.ts'
import { objectOf, stringsOf } from './json-values.ts'
import { modeByName } from './network-endpoints.ts'
import { isBridgeMode, isPredefined } from './network-mode.ts'
import { remapPort } from './remap-port.ts'
import type { ContainerRecord } from './spec-record.ts'

/** What the user wants to be different on the target: recorded → wanted. */
export type Remaps = {
  /** `80` or `127.0.0.1:80`, a port of the host, to the same. */
  readonly ports: ReadonlyMap<string, string>
  readonly volumes: ReadonlyMap<string, string>
  /** A path of the host; what lies below it moves along. */
  readonly binds: ReadonlyMap<string, string>
  readonly networks: ReadonlyMap<string, string>
}

export const noRemaps: Remaps = { ports: new Map(), volumes: new Map(), binds: new Map(), networks: new Map() }

/**
 * The record as if it had been taken with the wanted names, so that replay and comparison need not know of remaps. A network
 * that takes the place of the engine's bridge has to be there: the bridge's own settings are no model for it.
 */
export function remapRecord(record: ContainerRecord, remaps: Remaps): ContainerRecord {
  const { ports, volumes, binds, networks } = remaps
  if (ports.size + volumes.size + binds.size + networks.size === 0) return record
  const { inspect } = record
  const { HostConfig, NetworkSettings } = inspect
  const mode = modeByName(record)
  const onMount = (mount: MountPoint): MountPoint => ({
    ...mount,
    ...(mount.Type === 'volume' && mount.Name !== undefined ? { Name: volumes.get(mount.Name) ?? mount.Name } : {}),
    ...(mount.Type === 'bind' ? { Source: remapPath(mount.Source, binds) } : {}),
  })
  const hostConfig: ContainerInspect['HostConfig'] = {
    ...HostConfig,
    NetworkMode: networks.get(isBridgeMode(mode) ? 'bridge' : mode) ?? HostConfig.NetworkMode,
    Binds: HostConfig.Binds === null ? null : stringsOf(HostConfig.Binds).map(line => remapBind(line, remaps)),
    ...(Array.isArray(HostConfig['Mounts']) ? { Mounts: HostConfig['Mounts'].map(mount => remapMount(objectOf(mount), remaps)) } : {}),
    PortBindings: Object.fromEntries(Object.entries(objectOf(HostConfig['PortBindings'])).flatMap(([port, bindings]) => remapBindings(bindings, ports).map(each => [port, each]))),
  }
  return {
    ...record,
    inspect: {
      ...inspect,
      HostConfig: hostConfig,
      Mounts: inspect.Mounts.map(onMount),
      NetworkSettings: { ...NetworkSettings, Networks: remapNetworks(NetworkSettings.Networks, networks) },
    },
    networks: record.networks.filter(({ Name }) => !(isPredefined(Name) && networks.has(Name))).map(network => ({ ...network, Name: networks.get(network.Name) ?? network.Name })),
    volumes: record.volumes.map(volume => remapVolume(volume, remaps)),
    peers: record.peers.map(peer => ({ ...peer, mounts: peer.mounts.map(onMount) })),
  }
}

/** One, or none where no port of the host is left. */
function remapBindings(bindings: Json | undefined, ports: Remaps['ports']): (Json | undefined)[] {
  if (!Array.isArray(bindings) || bindings.length === 0) return [bindings]
  const published = bindings.map(binding => remapPort(objectOf(binding), ports)).filter(each => each !== undefined)
  return published.length === 0 ? [] : [published]
}

/** The longest mapped path that holds `path` decides. */
export function remapPath(path: string, binds: ReadonlyMap<string, string>): string {
  const matches = [...binds].map(([from, to]) => [trimmed(from), trimmed(to)] as const).filter(([from]) => path === from || path.startsWith(from === '/' ? '/' : `${from}/`))
  const [from, to] = matches.sort(([one], [other]) => other.length - one.length)[0] ?? ['', '']
  return `${to}${path.slice(from.length)}`
}

function trimmed(path: string): string {
  return path.replace(/(.)\/+$/, '$1')
}

function remapBind(line: string, { volumes, binds }: Remaps): string {
  const bind = parseBind(line)
  if (bind.source === '') return line
  const source = isVolumeName(bind.source) ? volumes.get(bind.source) ?? bind.source : remapPath(bind.source, binds)
  if (source.includes(':')) throw new DrayError('usage', `"${source}" cannot be the source of a bind mount: it holds a colon`, { hints: ['choose a path without a colon'] })
  return source === bind.source ? line : formatBind({ ...bind, source })
}

function remapMount(mount: JsonObject, { volumes, binds }: Remaps): JsonObject {
  const { Type: type, Source: source } = mount
  if (typeof source !== 'string' || source === '') return mount
  if (type === 'volume') return { ...mount, Source: volumes.get(source) ?? source }
  return type === 'bind' ? { ...mount, Source: remapPath(source, binds) } : mount
}

function remapNetworks(networks: Record<string, EndpointSettings>, names: ReadonlyMap<string, string>): Record<string, EndpointSettings> {
  const renamed = Object.entries(networks).map(([name, endpoint]) => [names.get(name) ?? name, endpoint] as const)
  const twice = renamed.find(([name], index) => renamed.findIndex(([other]) => other === name) !== index)
  if (twice !== undefined) throw new DrayError('usage', `two networks of one container are mapped to "${twice[0]}"`, { hints: ['map each network to one of its own'] })
  return Object.fromEntries(renamed)
}

/** A local volume can be a bind mount in disguise: type=none, o=bind, device=PATH. */
function remapVolume(volume: VolumeInspect, { volumes, binds }: Remaps): VolumeInspect {
  const { Name, Options } = volume
  const isBind = Options?.['o']?.split(',').some(option => option === 'bind' || option === 'rbind') === true
  return { ...volume, Name: volumes.get(Name) ?? Name, Options: isBind && Options['device'] !== undefined ? { ...Options, device: remapPath(Options['device'], binds) } : Options }
}

