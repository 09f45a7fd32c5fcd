import type { Json, JsonObject } from '../api-types.ts'
import { isEnginesHostname, wishedMac } from './container-config.ts'
import { splitSysctls, withSysctls } from './interface-sysctls.ts'
import { objectOf, stringsOf } from './json-values.ts'
import { parseLink } from './links.ts'
import { volumeSources } from './mount-origin.ts'
import { modeByName, withoutShortId } from './network-endpoints.ts'
import { isBridgeMode, sharedContainer } from './network-mode.ts'
import { findPeer } from './peers.ts'
import type { ContainerRecord } from './spec-record.ts'

export type SpecParts = Pick<ContainerRecord, 'inspect' | 'networks' | 'volumes' | 'peers' | 'engine'>

/** Config in a form that does not depend on the engine's version or on ids. */
export function plainConfig(record: SpecParts): JsonObject {
  const { Config, HostConfig } = record.inspect
  const isShared = sharedContainer(HostConfig.NetworkMode) !== undefined
  return {
    ...(Config as JsonObject),
    Hostname: isEnginesHostname(record) ? '' : Config.Hostname,
    ...(isShared ? { Domainname: '' } : {}),
    MacAddress: wishedMac(record.inspect) ?? '',
  }
}

/** `rename` gives the target's name of a recorded container. */
export function plainHostConfig(record: SpecParts, rename: (peer: string) => string): JsonObject {
  const { HostConfig: host } = record.inspect
  const peerName = (reference: string) => rename(findPeer(record, reference)?.name ?? reference.replace(/^\//, ''))
  const mode = modeByName(record)
  const namespace = (value: Json | undefined): Json => {
    const shared = sharedContainer(value)
    return shared === undefined ? value ?? null : `container:${peerName(shared)}`
  }
  return {
    ...host,
    NetworkMode: isBridgeMode(mode) ? 'bridge' : namespace(mode),
    PidMode: namespace(host['PidMode']),
    IpcMode: namespace(host['IpcMode']),
    Links: stringsOf(host['Links']).map(parseLink).map(({ target, alias }) => `${peerName(target)}:${alias}`),
    VolumesFrom: volumeSources(record.inspect).map(({ name, mode: access }) => [peerName(name), access].filter(part => part !== '').join(':')),
    CapAdd: capabilities(host['CapAdd']),
    CapDrop: capabilities(host['CapDrop']),
    RestartPolicy: { ...host.RestartPolicy, Name: host.RestartPolicy.Name === 'no' ? '' : host.RestartPolicy.Name },
    MemorySwappiness: host['MemorySwappiness'] === -1 ? null : host['MemorySwappiness'],
    Sysctls: splitSysctls(host['Sysctls']).others,
    PortBindings: Object.fromEntries(Object.entries(objectOf(host['PortBindings'])).map(([port, bindings]) => [port, Array.isArray(bindings) && bindings.length > 0 ? bindings : [{ HostIp: '', HostPort: '' }]])),
  }
}

/** Endpoints by network, with the sysctls of the interface at the one that becomes eth0. The hostname is a name there in any case: engines up to 24 write it down when a network is connected. */
export function plainEndpoints(record: SpecParts, rename: (peer: string) => string): Map<string, JsonObject> {
  const { inspect } = record
  const mode = modeByName(record)
  const primary = isBridgeMode(mode) ? 'bridge' : mode
  const sysctls = splitSysctls(inspect.HostConfig['Sysctls']).ofInterface
  return new Map(Object.entries(inspect.NetworkSettings.Networks).map(([name, endpoint]) => [name, {
    ...endpoint,
    Aliases: withoutShortId(endpoint.Aliases, inspect.Id).filter(alias => alias !== inspect.Config.Hostname),
    Links: stringsOf(endpoint.Links).map(parseLink).map(({ target, alias }) => `${rename(target)}:${alias}`),
    ...(name === primary ? { DriverOpts: withSysctls(endpoint.DriverOpts, sysctls) ?? null } : {}),
  }]))
}

/** 28 writes CAP_NET_ADMIN where older engines wrote NET_ADMIN. */
function capabilities(value: Json | undefined): string[] {
  return stringsOf(value).map(name => name.toUpperCase().replace(/^CAP_/, ''))
}
