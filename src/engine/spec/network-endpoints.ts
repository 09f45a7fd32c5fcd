import type { EndpointSettings, Json, JsonObject } from '../api-types.ts'
import { hasApi } from './api-version.ts'
import { wishedMac } from './container-config.ts'
import { endpointFields } from './container-fields.ts'
import { isEmpty } from './field-rule.ts'
import { splitSysctls, withSysctls } from './interface-sysctls.ts'
import { stringsOf } from './json-values.ts'
import { parseLink } from './links.ts'
import { isBridgeMode, sharedContainer } from './network-mode.ts'
import { findPeer, peerOnTarget } from './peers.ts'
import { replayFields, type Derive, type ReplayContext } from './replay-context.ts'
import type { ContainerRecord } from './spec-record.ts'

export type EndpointPlan = {
  readonly networkMode: string
  /** NetworkingConfig.EndpointsConfig of the create. */
  readonly atCreate: Record<string, JsonObject>
  /** Networks to leave after the create, before the connects. */
  readonly disconnects: readonly string[]
  /** POST /networks/{network}/connect, with Container added, after the create and before the start. */
  readonly connects: readonly { readonly network: string; readonly body: { readonly EndpointConfig: JsonObject } }[]
}

/**
 * Chooses which networks are joined at create. Up to 24 (API below 1.44) only that of NetworkMode can be, the others are
 * connected before the start; so are all others when the network of NetworkMode had been left.
 */
export function planEndpoints(context: ReplayContext): EndpointPlan {
  const { inspect } = context.record
  const { Networks } = inspect.NetworkSettings
  const mode = modeToSend(context)
  const primary = sharedContainer(mode) === undefined ? (isBridgeMode(mode) ? 'bridge' : mode) : undefined
  const names = Object.keys(Networks).filter(name => name !== 'host' && name !== 'none')
  const others = names.filter(name => name !== primary)
  const isLeft = primary !== undefined && primary !== 'host' && !Object.hasOwn(Networks, primary)
  const together = hasApi(context.target, '1.44') && !isLeft
  const joined = names.filter(name => name === primary || together)
  const bodies = new Map(names.map(name => [name, endpointToSend(name, Networks[name] ?? {}, { isPrimary: name === primary, atCreate: joined.includes(name) }, context)]))
  const atCreate = Object.fromEntries(joined.map(name => [name, bodies.get(name) ?? {}]).filter(([, body]) => joined.length > 1 || !isEmpty(body as JsonObject))) as EndpointPlan['atCreate']
  return {
    networkMode: primary === 'bridge' && Object.keys(atCreate).length > 0 ? 'bridge' : mode,
    atCreate,
    disconnects: isLeft ? [primary] : [],
    connects: others.filter(name => !joined.includes(name)).map(network => ({ network, body: { EndpointConfig: bodies.get(network) ?? {} } })),
  }
}

/** The recorded mode by the network's name. A network that the container had left, and that is gone, cannot be named at create. */
function modeToSend(context: ReplayContext): string {
  const { record, losses } = context
  const { NetworkMode } = record.inspect.HostConfig
  const shared = sharedContainer(NetworkMode)
  if (shared !== undefined) {
    const peer = peerOnTarget(shared, 'uses the network of', context)
    return `container:${peer ?? shared}`
  }
  const mode = modeByName(record)
  const networks = record.inspect.NetworkSettings.Networks
  if (isBridgeMode(mode) || mode === 'host' || mode === 'none' || Object.hasOwn(networks, mode) || record.networks.some(({ Name }) => Name === mode)) return mode
  const instead = Object.keys(networks)[0] ?? 'bridge'
  losses.push({ field: 'HostConfig.NetworkMode', text: `the network "${mode}" was gone already: "${instead}" takes its place` })
  return instead
}

/** NetworkMode with the name instead of the id that somebody gave. */
export function modeByName({ inspect, networks }: Pick<ContainerRecord, 'inspect' | 'networks'>): string {
  const { NetworkMode: mode } = inspect.HostConfig
  return networks.find(({ Id }) => Id === mode || (mode.length >= 12 && Id.startsWith(mode)))?.Name ?? mode
}

type Place = { readonly isPrimary: boolean; readonly atCreate: boolean }

function endpointToSend(network: string, endpoint: EndpointSettings, { isPrimary, atCreate }: Place, context: ReplayContext): JsonObject {
  const { record: { inspect }, target, losses } = context
  const path = `NetworkSettings.Networks.${network}`
  const wished = isPrimary ? wishedMac(inspect) : inspect.State.Status === 'created' ? endpoint.MacAddress : undefined
  const unlessBridge = (value: Json | undefined, field: string) => {
    if (network !== 'bridge' || isEmpty(value)) return value
    losses.push({ field: `${path}.${field}`, text: 'the bridge that every engine has does not take it' })
    return undefined
  }
  const derivations: Readonly<Record<string, Derive>> = {
    Aliases: value => unlessBridge(withoutShortId(value, inspect.Id), 'Aliases'),
    IPAMConfig: value => unlessBridge(value, 'IPAMConfig'),
    Links: value => stringsOf(value).map(link => renamedLink(link, context)),
    DriverOpts: value => (isPrimary && hasApi(target, '1.48') ? withSysctls(value, splitSysctls(inspect.HostConfig['Sysctls']).ofInterface) : value),
    MacAddress: () => {
      if (wished === undefined || wished === '' || (isPrimary && !hasApi(target, '1.44'))) return undefined
      if (atCreate && hasApi(target, '1.44')) return wished
      losses.push({ field: `${path}.MacAddress`, text: `API ${target.apiVersion} takes no MAC address when a network is connected` })
      return undefined
    },
  }
  const sent = replayFields(endpoint, path, endpointFields, derivations, context)
  return Object.fromEntries(Object.entries(sent).filter(([, value]) => !isEmpty(value)))
}

/** Engines up to 25 add the short id to the aliases that were asked for. */
export function withoutShortId(aliases: Json | undefined, id: string): string[] {
  return stringsOf(aliases).filter(alias => alias !== id.slice(0, 12))
}

/** Links inside an own network are names that are looked up later: they are kept when the container is not there. */
function renamedLink(link: string, { record, peers }: ReplayContext): string {
  const { target, alias } = parseLink(link)
  const name = findPeer(record, target)?.name ?? target
  return `${peers.get(name)?.name ?? name}:${alias}`
}
