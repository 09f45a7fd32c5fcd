import type { JsonObject } from '../api-types.ts'
import { configHashLabel, rehashed } from '../compose/config-hash.ts'
import { hasApi } from './api-version.ts'
import { wishedMac } from './container-config.ts'
import { configFields, endpointFields } from './container-fields.ts'
import { reasonOfDefault } from './engine-defaults.ts'
import { copied, type FieldTable } from './field-rule.ts'
import { hostConfigFields } from './host-config-fields.ts'
import { isBridgeMode } from './network-mode.ts'
import { plainConfig, plainEndpoints, plainHostConfig, type SpecParts } from './plain-spec.ts'
import { remapRecord, type Remaps } from './remap-record.ts'
import type { TargetPeer } from './replay-context.ts'
import { differencesOf, type ValueDifference } from './same-value.ts'
import { compareMounts, compareNetworks, compareVolumes } from './compare-surroundings.ts'
import { nameOf, type ContainerRecord } from './spec-record.ts'

export type SpecComparison = {
  readonly differences: readonly ValueDifference[]
  /** Differences that engines make by themselves, each with its reason. */
  readonly engineDefaults: readonly (ValueDifference & { readonly reason: string })[]
  /** Differences in fields that were announced as losses. */
  readonly announced: readonly ValueDifference[]
}

export type ComparisonOptions = {
  /** What was wanted: the same values as given to toCreateRequest. */
  readonly name: string
  readonly imageRef: string
  readonly remaps: Remaps
  readonly peers: ReadonlyMap<string, TargetPeer>
  /** Fields (or their beginnings) that are known to differ: those of the losses, and State where it is not given back yet. */
  readonly announced?: readonly string[]
}

/**
 * Compares a recorded container with what the target's engine says of the restored one, field by field. Ids, times, generated
 * addresses and the engine's paths are not compared; null, [], {}, "", 0, false and nothing are equal where no meaning hangs on it.
 */
export function compareSpecs(recorded: ContainerRecord, restored: SpecParts, { name, imageRef, remaps, peers, announced = [] }: ComparisonOptions): SpecComparison {
  const wanted = remapRecord(recorded, remaps)
  const rename = (peer: string) => peers.get(peer)?.name ?? peer
  const same = (peer: string) => peer
  const found = [
    ...differencesOf('Name', copied(), name, nameOf(restored.inspect)),
    ...compareFields('Config', configFields, { ...plainConfig(wanted), Image: imageRef, Labels: wantedLabels(recorded, restored, rename) }, { ...plainConfig(restored), ...macInUse(wanted, restored) }),
    ...compareFields('HostConfig', hostConfigFields, plainHostConfig(wanted, rename), plainHostConfig(restored, same)),
    ...compareEndpoints(plainEndpoints(wanted, rename), plainEndpoints(restored, same)),
    ...compareMounts(wanted, restored),
    ...compareNetworks(wanted, restored),
    ...compareVolumes(wanted, restored),
    ...differencesOf('State.Status', copied(), stateOf(wanted), stateOf(restored)),
  ]
  const engines = { source: recorded.engine, target: restored.engine }
  const differences: ValueDifference[] = []
  const known: ValueDifference[] = []
  const engineDefaults: SpecComparison['engineDefaults'][number][] = []
  for (const each of found) {
    const reason = reasonOfDefault(each, engines)
    if (reason !== undefined) engineDefaults.push({ ...each, reason })
    else if (announced.some(field => each.field === field || each.field.startsWith(`${field}.`) || field.startsWith(`${each.field}.`))) known.push(each)
    else differences.push(each)
  }
  return { differences, engineDefaults, announced: known }
}

/** Fields that no table knows are compared too. */
export function compareFields(part: string, table: FieldTable, recorded: JsonObject, restored: JsonObject): ValueDifference[] {
  const fields = new Set([...Object.keys(recorded), ...Object.keys(restored)])
  return [...fields].flatMap(field => differencesOf(`${part}.${field}`, table[field] ?? copied(), recorded[field], restored[field]))
}

function compareEndpoints(recorded: Map<string, JsonObject>, restored: Map<string, JsonObject>): ValueDifference[] {
  return [...new Set([...recorded.keys(), ...restored.keys()])].flatMap(network => {
    const [before, after] = [recorded.get(network), restored.get(network)]
    const field = `NetworkSettings.Networks.${network}`
    if (before === undefined || after === undefined) return [{ field, recorded: before === undefined ? null : 'connected', restored: after === undefined ? null : 'connected' }]
    return compareFields(field, endpointFields, before, after)
  })
}

/** Compose's hash of the service holds the ids of the containers that it refers to. */
function wantedLabels(recorded: ContainerRecord, { peers }: SpecParts, rename: (peer: string) => string): JsonObject {
  const ids = recorded.peers.flatMap(({ id, name }) => peers.filter(peer => peer.name === rename(name)).map(peer => [id, peer.id] as const))
  const hash = ids.length === 0 ? undefined : rehashed(recorded, new Map(ids))
  return { ...recorded.inspect.Config.Labels, ...(hash === undefined ? {} : { [configHashLabel]: hash }) }
}

/** From API 1.52 on the address that was asked for only shows as the one in use. */
function macInUse(wanted: SpecParts, { inspect, engine }: SpecParts): JsonObject {
  if (!hasApi(engine, '1.52') || wishedMac(wanted.inspect) === undefined) return {}
  const mode = inspect.HostConfig.NetworkMode
  return { MacAddress: inspect.NetworkSettings.Networks[isBridgeMode(mode) ? 'bridge' : mode]?.MacAddress ?? '' }
}

/** A container that is just being restarted by its policy is a running one. */
function stateOf({ inspect: { State } }: SpecParts): string {
  return State.Status === 'restarting' ? 'running' : State.Status
}
