import type { Json, JsonObject } from '../api-types.ts'
import { hasApi } from './api-version.ts'
import { isDefaultMasked, isDefaultReadOnly } from './default-paths.ts'
import { isEmpty } from './field-rule.ts'
import { hostConfigFields } from './host-config-fields.ts'
import { objectOf, stringsOf } from './json-values.ts'
import { keepsVolumesFrom, mountsToSend, volumesFromToSend } from './mount-request.ts'
import { sharedContainer } from './network-mode.ts'
import { linkToSend } from './links.ts'
import { peerOnTarget } from './peers.ts'
import { replayFields, type Derive, type ReplayContext } from './replay-context.ts'
import { splitSysctls } from './interface-sysctls.ts'

/** HostConfig as POST /containers/create takes it. `networkMode` is what endpoints and connects were chosen for. */
export function hostConfigToSend(context: ReplayContext, networkMode: string): JsonObject {
  return replayFields(context.record.inspect.HostConfig, 'HostConfig', hostConfigFields, { ...hostConfigDerivations, NetworkMode: () => networkMode }, context)
}

export const hostConfigDerivations: Readonly<Record<string, Derive>> = {
  PortBindings: (value, { target }) => (hasApi(target, '1.52') ? withoutEmptyLists(value) : value),
  Mounts: (value, context) => mountsToSend(value, context),
  VolumesFrom: (value, context) => volumesFromToSend(value, context, keepsVolumesFrom(context)),
  Links: (value, context) => stringsOf(value).flatMap(link => linkToSend(link, context) ?? []),
  PidMode: namespaceOf('shares the processes of'),
  IpcMode: namespaceOf('shares the memory of'),
  Dns: unlessNetworkIsShared,
  ExtraHosts: unlessNetworkIsShared,
  PublishAllPorts: unlessNetworkIsShared,
  LogConfig: logConfig,
  Runtime: runtime,
  CgroupnsMode: (value, { record: { engine }, target }) => (engine.cgroupVersion !== target.cgroupVersion && value === defaultCgroupMode(engine.cgroupVersion) ? undefined : value),
  SecurityOpt: (value, { record }) => (isEnginesLabel(value, record.inspect.HostConfig) ? undefined : value),
  Sysctls: (value, { target }) => (hasApi(target, '1.48') ? splitSysctls(value).others : value),
  MemorySwap: (value, { record: { inspect: { HostConfig }, engine } }) => (isEnginesSwap(value, HostConfig['Memory'], engine.info['SwapLimit'] !== false) ? undefined : value),
  MemorySwappiness: (value, context) => (value === -1 ? undefined : onlyVersion1(value, typeof value === 'number', 'MemorySwappiness', context)),
  OomKillDisable: (value, context) => onlyVersion1(value === true ? true : undefined, value === true, 'OomKillDisable', context),
  MaskedPaths: value => (isDefaultMasked(value) ? undefined : value),
  ReadonlyPaths: value => (isDefaultReadOnly(value) ? undefined : value),
}

export function defaultCgroupMode(cgroupVersion: string): string {
  return cgroupVersion === '2' ? 'private' : 'host'
}

/** The engine adds label=disable to privileged containers and to those in the host's pid or ipc namespace. */
function isEnginesLabel(value: Json | undefined, host: JsonObject): boolean {
  const options = stringsOf(value)
  return options.length === 1 && options[0] === 'label=disable' && (host['Privileged'] === true || host['PidMode'] === 'host' || host['IpcMode'] === 'host')
}

function isEnginesSwap(swap: Json | undefined, memory: Json | undefined, hasSwapLimit: boolean): boolean {
  if (typeof swap !== 'number' || typeof memory !== 'number' || memory === 0) return false
  return swap === 2 * memory || (swap === -1 && !hasSwapLimit)
}

function onlyVersion1(value: Json | undefined, isSet: boolean, field: string, { target, losses }: ReplayContext): Json | undefined {
  if (!isSet || target.cgroupVersion !== '2') return value
  losses.push({ field: `HostConfig.${field}`, text: 'the target has control groups of version 2, which do not have it' })
  return undefined
}

/** Up to API 1.52 an empty list means any free port; from then on it is warned about. */
function withoutEmptyLists(value: Json | undefined): Json | undefined {
  if (isEmpty(value)) return value
  return Object.fromEntries(Object.entries(objectOf(value)).map(([port, bindings]) => [port, isEmpty(bindings) ? [{ HostIp: '', HostPort: '' }] : bindings]))
}

function namespaceOf(purpose: string): Derive {
  return (value, context) => {
    const shared = sharedContainer(value)
    if (shared === undefined) return value
    const peer = peerOnTarget(shared, purpose, context)
    return peer === undefined ? undefined : `container:${peer}`
  }
}

function unlessNetworkIsShared(value: Json | undefined, { record }: ReplayContext): Json | undefined {
  return sharedContainer(record.inspect.HostConfig.NetworkMode) === undefined ? value : undefined
}

function logConfig(value: Json | undefined, { record: { engine }, target, notes, obstacles }: ReplayContext): Json | undefined {
  const { Type: driver, Config: options } = objectOf(value)
  if (typeof driver !== 'string' || driver === '') return undefined
  if (driver === engine.loggingDriver && isEmpty(options)) {
    if (driver !== target.loggingDriver) notes.push({ field: 'HostConfig.LogConfig', text: `the target's default log driver "${target.loggingDriver}" takes the place of "${driver}"` })
    return undefined
  }
  const known = stringsOf(objectOf(target.info['Plugins'] as Json | undefined)['Log'])
  if (known.length > 0 && !known.includes(driver) && driver !== 'none') obstacles.push({ text: `the target has no log driver "${driver}"`, hint: 'leave out HostConfig.LogConfig to use the target\'s default' })
  return value
}

function runtime(value: Json | undefined, { record: { engine }, target, notes, obstacles }: ReplayContext): Json | undefined {
  if (typeof value !== 'string' || value === '') return undefined
  if (value === engine.defaultRuntime) {
    if (value !== target.defaultRuntime) notes.push({ field: 'HostConfig.Runtime', text: `the target's default runtime "${target.defaultRuntime}" takes the place of "${value}"` })
    return undefined
  }
  if (target.runtimes.length > 0 && !target.runtimes.includes(value)) obstacles.push({ text: `the target has no runtime "${value}"`, hint: 'leave out HostConfig.Runtime to use the target\'s default' })
  else notes.push({ field: 'HostConfig.Runtime', text: `needs the runtime "${value}"` })
  return value
}
