import type { ContainerInspect, Json, JsonObject } from '../api-types.ts'
import { hasApi } from './api-version.ts'
import { configFields } from './container-fields.ts'
import { objectOf, stringsOf } from './json-values.ts'
import { sharedContainer } from './network-mode.ts'
import { replayFields, type Derive, type ReplayContext } from './replay-context.ts'
import type { ContainerRecord } from './spec-record.ts'

/** Config as POST /containers/create takes it: nearly verbatim, because the image is the same. */
export function configToSend(context: ReplayContext): JsonObject {
  return replayFields(context.record.inspect.Config, 'Config', configFields, configDerivations, context)
}

export const configDerivations: Readonly<Record<string, Derive>> = {
  Image: (_, { imageRef }) => imageRef,
  Hostname: (value, { record }) => (isEnginesHostname(record) ? undefined : value),
  Domainname: unlessNetworkIsShared,
  ExposedPorts: unlessNetworkIsShared,
  Entrypoint: value => (stringsOf(value).length > 0 ? value : ['']),
  MacAddress: (value, { record, target }) => (hasApi(target, '1.44') ? undefined : (value === '' ? undefined : value ?? wishedMac(record.inspect))),
  Healthcheck: (value, { target, losses }) => {
    const { StartInterval: interval, ...others } = objectOf(value)
    if (value === null || value === undefined || hasApi(target, '1.44') || !interval) return value
    losses.push({ field: 'Config.Healthcheck.StartInterval', text: `API ${target.apiVersion} does not have it` })
    return others
  },
}

/** The engine chose the hostname: the short id, its host's name, or that of the container whose network is shared. */
export function isEnginesHostname({ inspect: { Id, Config, HostConfig }, engine }: Pick<ContainerRecord, 'inspect' | 'engine'>): boolean {
  const { Hostname: hostname } = Config
  if (hostname === Id.slice(0, 12) || sharedContainer(HostConfig.NetworkMode) !== undefined) return true
  return (HostConfig.NetworkMode === 'host' || HostConfig['UTSMode'] === 'host') && hostname === engine.name
}

/**
 * The MAC address that somebody asked for. Engines up to 27 say it in Config; a container that was never started also has it
 * in the endpoint, where a started one shows the generated address. Without a network it means nothing: engines up to 25 keep it,
 * later ones forget it.
 */
export function wishedMac({ Config, HostConfig, NetworkSettings, ...inspect }: ContainerInspect): string | undefined {
  const { MacAddress: configured } = Config
  if (HostConfig.NetworkMode === 'none') return undefined
  if (typeof configured === 'string' && configured !== '') return configured
  const network = HostConfig.NetworkMode === 'default' ? 'bridge' : HostConfig.NetworkMode
  return inspect.State.Status === 'created' ? NetworkSettings.Networks[network]?.MacAddress || undefined : undefined  
}

/** An entrypoint is always sent: without one the image's would come back, and [""] is none. */
function unlessNetworkIsShared(value: Json | undefined, { record }: ReplayContext): Json | undefined {
  return sharedContainer(record.inspect.HostConfig.NetworkMode) === undefined ? value : undefined
}
