import type { JsonObject, NetworkInspect } from '../api-types.ts'
import type { EngineFacts } from '../engine.ts'
import { hasApi } from './api-version.ts'
import { isAutomaticSubnet } from './automatic-subnet.ts'
import { isEmpty } from './field-rule.ts'
import { isPredefined } from './network-mode.ts'
import type { ReplayContext } from './replay-context.ts'
import type { ContainerRecord } from './spec-record.ts'

/** The body of POST /networks/create. */
export type NetworkCreate = JsonObject & { readonly Name: string }

/** The networks that the container uses and that no engine has by itself. The caller creates those that the target lacks. */
export function networksToCreate(context: ReplayContext): NetworkCreate[] {
  const { record, target } = context
  return record.networks.filter(network => !isPredefined(network.Name) && network['Ingress'] !== true).map(network => {
    if (isDriverMissing(network.Driver, target)) context.obstacles.push({ text: `the target has no network driver "${network.Driver}", which network "${network.Name}" needs`, hint: `map the network to another one: --map-network ${network.Name}:OTHER` })
    return networkToCreate(network, record, target)
  })
}

export function networkToCreate(network: NetworkInspect, record: ContainerRecord, target: EngineFacts): NetworkCreate {
  const { Name, Driver, Internal, Attachable, EnableIPv4, EnableIPv6, ConfigOnly, ConfigFrom, Options, Labels, IPAM } = network
  const configured = (ConfigFrom as { Network?: string } | null | undefined)?.Network ?? ''
  const pools = subnetsToSend(network, record)
  return {
    Name,
    Driver,
    Internal,
    Attachable,
    EnableIPv6,
    ...(EnableIPv4 === false && hasApi(target, '1.48') ? { EnableIPv4 } : {}),
    ...(hasApi(target, '1.44') ? {} : { CheckDuplicate: true }),
    ...(ConfigOnly === true ? { ConfigOnly } : {}),
    ...(network.Scope === 'local' || network.Scope === '' ? {} : { Scope: network.Scope }),
    ...(configured === '' ? { IPAM: { Driver: IPAM.Driver, Options: IPAM.Options ?? {}, ...(pools.length > 0 ? { Config: pools } : {}) } } : { ConfigFrom: { Network: configured } }),
    Options: configured === '' ? Options ?? {} : {},
    Labels: Labels ?? {},
  }
}

/** Subnets that somebody chose, and automatic ones when an address in them was asked for. */
export function subnetsToSend({ Name, IPAM }: NetworkInspect, { inspect, engine }: Pick<ContainerRecord, 'inspect' | 'engine'>): JsonObject[] {
  const asked = inspect.NetworkSettings.Networks[Name]?.IPAMConfig
  const isStatic = !isEmpty(asked?.IPv4Address) || !isEmpty(asked?.IPv6Address)
  return (IPAM.Config ?? []).filter(pool => isStatic || !isAutomaticSubnet(pool, engine)).map(pool => ({ ...pool }))
}

/** Networks of a swarm, overlays, are made by its managers. */
export function isSwarmManager({ info }: EngineFacts): boolean {
  return (info['Swarm'] as { ControlAvailable?: boolean } | undefined)?.ControlAvailable === true
}

function isDriverMissing(driver: string, { info }: EngineFacts): boolean {
  const known = (info['Plugins'] as { Network?: string[] | null } | undefined)?.Network ?? []
  return known.length > 0 && !known.includes(driver)
}
