import type { JsonObject, MountPoint, NetworkInspect, VolumeInspect } from '../api-types.ts'
import { isAutomaticSubnet } from './automatic-subnet.ts'
import { copied, type FieldRule } from './field-rule.ts'
import { isAnonymousName } from './mount-origin.ts'
import { isPredefined } from './network-mode.ts'
import { subnetsToSend } from './network-request.ts'
import type { SpecParts } from './plain-spec.ts'
import { differencesOf, type ValueDifference } from './same-value.ts'

const asKeys = copied({ compared: 'keys' })
const asSet = copied({ compared: 'set' })

/** Mounts by destination. An anonymous volume is the same as another one. */
export function compareMounts(recorded: SpecParts, restored: SpecParts): ValueDifference[] {
  const [before, after] = [mountsByPlace(recorded), mountsByPlace(restored)]
  return keysOf(before, after).flatMap(place => differencesOf(`Mounts.${place}`, copied(), before.get(place), after.get(place)))
}

function mountsByPlace({ inspect }: SpecParts): Map<string, JsonObject> {
  return new Map(inspect.Mounts.map(mount => [mount.Destination, plainMount(mount)]))
}

function plainMount({ Type, Name, Source, Driver, RW, Propagation }: MountPoint): JsonObject {
  const identity = Type === 'volume' ? { Name: isAnonymousName(Name) ? 'anonymous' : Name, Driver } : Type === 'image' ? { Name } : { Source }
  return { Type, ...identity, RW, Propagation: Type === 'image' ? '' : Propagation }
}

const networkRules: Readonly<Record<string, FieldRule>> = {
  Driver: copied(),
  Internal: copied(),
  Attachable: copied(),
  EnableIPv6: copied(),
  ConfigOnly: copied(),
  ConfigFrom: copied(),
  Options: asKeys,
  Labels: asKeys,
}

/** Networks that no engine has by itself, by name. Subnets that the source chose by itself are not compared. */
export function compareNetworks(recorded: SpecParts, restored: SpecParts): ValueDifference[] {
  const after = new Map(restored.networks.map(network => [network.Name, network]))
  return recorded.networks.filter(({ Name }) => !isPredefined(Name)).flatMap(network => {
    const field = `Networks.${network.Name}`
    const found = after.get(network.Name)
    if (found === undefined) return [{ field, recorded: 'present', restored: null }]
    return [
      ...Object.entries(networkRules).flatMap(([key, rule]) => differencesOf(`${field}.${key}`, rule, network[key], found[key])),
      ...differencesOf(`${field}.IPAM.Driver`, copied(), network.IPAM.Driver, found.IPAM.Driver),
      ...differencesOf(`${field}.IPAM.Options`, asKeys, network.IPAM.Options, found.IPAM.Options),
      ...comparePools(field, network, found, recorded, restored),
    ]
  })
}

function comparePools(field: string, network: NetworkInspect, found: NetworkInspect, recorded: SpecParts, restored: SpecParts): ValueDifference[] {
  const chosen = subnetsToSend(network, recorded)
  const others = (found.IPAM.Config ?? []).filter(pool => chosen.some(each => each['Subnet'] === pool.Subnet) || !isAutomaticSubnet(pool, restored.engine))
  return differencesOf(`${field}.IPAM.Config`, asSet, chosen, others.map(pool => ({ ...pool })))
}

/** Named volumes by name; anonymous ones by the place where they are mounted, without the label that engines give them. */
export function compareVolumes(recorded: SpecParts, restored: SpecParts): ValueDifference[] {
  const [before, after] = [volumesByPlace(recorded), volumesByPlace(restored)]
  return keysOf(before, after).flatMap(place => {
    const [one, other] = [before.get(place), after.get(place)]
    const field = `Volumes.${place}`
    if (one === undefined || other === undefined) return [{ field, recorded: one === undefined ? null : 'present', restored: other === undefined ? null : 'present' }]
    return [
      ...differencesOf(`${field}.Driver`, copied(), one.Driver, other.Driver),
      ...differencesOf(`${field}.Options`, asKeys, one.Options, other.Options),
      ...(place.startsWith('/') ? [] : differencesOf(`${field}.Labels`, asKeys, one.Labels, other.Labels)),
    ]
  })
}

function volumesByPlace({ inspect, volumes }: SpecParts): Map<string, VolumeInspect> {
  return new Map(volumes.map(volume => {
    const place = inspect.Mounts.find(mount => mount.Name === volume.Name)?.Destination ?? volume.Name
    return [isAnonymousName(volume.Name) ? place : volume.Name, volume]
  }))
}

function keysOf(one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>): string[] {
  return [...new Set([...one.keys(), ...other.keys()])]
}
