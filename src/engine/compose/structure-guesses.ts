import type { Json, JsonObject } from '../api-types.ts'
import { isVolumeName, parseBind } from '../spec/bind-string.ts'
import { isEmpty } from '../spec/field-rule.ts'
import { objectOf, stringsOf, text } from '../spec/json-values.ts'
import { sharedContainer } from '../spec/network-mode.ts'
import { nameOf, type ContainerRecord } from '../spec/spec-record.ts'
import { byName, type Guesses } from './service-guesses.ts'

const ours = 'com.docker.compose.'

/** As the label has it, "db:service_healthy:false,cache:service_started:true"; newer versions do not hash it. */
export function guessDependencies({ inspect }: ContainerRecord): Guesses {
  const listed = (inspect.Config.Labels?.[`${ours}depends_on`] ?? '').split(',').filter(each => each !== '').map(each => each.split(':'))
  if (listed.length === 0) return [undefined]
  const all = listed.map(([service = '', condition = '', restart]) => [service, { condition, ...(restart === 'true' ? { restart: true } : {}), required: true }] as const)
  return [Object.fromEntries([...all].sort(byName)), undefined]
}

/** Limits may stand below deploy, processors as a number or a text; an empty one is written when only replicas are said. */
export function guessDeploy(host: JsonObject): Guesses {
  const [cpus, memory] = [Number(host['NanoCpus'] ?? 0) / 1e9, text(host['Memory'])]
  const limits = (spelled: Json): Json => ({ resources: { limits: { ...(cpus === 0 ? {} : { cpus: spelled }), ...(isEmpty(host['Memory']) ? {} : { memory }) } }, placement: {} })
  return [undefined, { resources: {}, placement: {} }, ...(cpus === 0 && isEmpty(host['Memory']) ? [] : [limits(cpus), limits(String(cpus))])]
}

export function guessDevices(host: JsonObject): Guesses {
  const devices = (Array.isArray(host['Devices']) ? host['Devices'] : []).map(objectOf)
  if (devices.length === 0) return [undefined]
  const parts = devices.map(({ PathOnHost, PathInContainer, CgroupPermissions }) => ({ source: PathOnHost, target: PathInContainer, permissions: CgroupPermissions }))
  return [parts, parts.map(({ source, target }) => `${text(source)}:${text(target)}`)]
}

/** By the names in the file. The names of the service and of the container are aliases by themselves. */
export function guessNetworks({ inspect, networks }: ContainerRecord): Guesses {
  if (sharedContainer(inspect.HostConfig.NetworkMode) !== undefined) return [undefined]
  const own = new Set([nameOf(inspect), inspect.Config.Labels?.[`${ours}service`], inspect.Id.slice(0, 12)])
  const joined = networks.flatMap(({ Name, Labels }): [string, Json][] => {
    const key = Labels?.[`${ours}network`]
    const { Aliases, IPAMConfig } = inspect.NetworkSettings.Networks[Name] ?? {}
    const aliases = stringsOf(Aliases).filter(alias => !own.has(alias))
    const said = { ...(aliases.length === 0 ? {} : { aliases }), ...(isEmpty(IPAMConfig?.IPv4Address) ? {} : { ipv4_address: IPAMConfig?.IPv4Address }), ...(isEmpty(IPAMConfig?.IPv6Address) ? {} : { ipv6_address: IPAMConfig?.IPv6Address }) }
    return key === undefined ? [] : [[key, isEmpty(said) ? null : said]]
  })
  return joined.length === 0 ? [undefined] : [Object.fromEntries(joined.sort(byName))]
}

export function guessPorts(host: JsonObject): Guesses {
  const ports = Object.entries(objectOf(host['PortBindings'])).flatMap(([port, bindings]) => {
    const [target, protocol = 'tcp'] = port.split('/')
    return (Array.isArray(bindings) ? bindings.map(objectOf) : []).map(({ HostIp, HostPort }) => ({ mode: 'ingress', ...(isEmpty(HostIp) ? {} : { host_ip: HostIp }), target: Number(target), ...(isEmpty(HostPort) ? {} : { published: HostPort }), protocol }))
  })
  return ports.length === 0 ? [undefined] : orders(ports)
}

/** Engines keep binds, mounts and anonymous volumes apart: in which order a file had them is one of few. */
export function guessVolumes({ inspect, volumes }: ContainerRecord, own: JsonObject): Guesses {
  const host = inspect.HostConfig as JsonObject
  const keyOf = (name: string): string => volumes.find(({ Name }) => Name === name)?.Labels?.[`${ours}volume`] ?? name
  const fromBinds = stringsOf(host['Binds']).map(parseBind).map(({ source, destination, mode }) => {
    const options = mode.split(',')
    const common = { target: destination, ...(options.includes('ro') ? { read_only: true } : {}) }
    if (isVolumeName(source)) return { type: 'volume', source: keyOf(source), ...common, volume: options.includes('nocopy') ? { nocopy: true } : {} }
    const selinux = options.find(option => option === 'z' || option === 'Z')
    const propagation = options.find(option => /^r?(?:shared|slave|private)$/.test(option))
    return { type: 'bind', source, ...common, bind: { ...(selinux === undefined ? {} : { selinux }), ...(propagation === undefined ? {} : { propagation }), create_host_path: true } }
  })
  const fromMounts = (Array.isArray(host['Mounts']) ? host['Mounts'] : []).map(objectOf).map(({ Type, Source, Target, ReadOnly, BindOptions, VolumeOptions, TmpfsOptions }) => {
    const common = { type: Type, ...(isEmpty(Source) ? {} : { source: Type === 'volume' ? keyOf(text(Source)) : Source }), target: Target, ...(ReadOnly === true ? { read_only: true } : {}) }
    if (Type === 'volume') return { ...common, volume: objectOf(VolumeOptions)['NoCopy'] === true ? { nocopy: true } : {} }
    if (Type === 'tmpfs') return { ...common, tmpfs: { ...(isEmpty(objectOf(TmpfsOptions)['SizeBytes']) ? {} : { size: text(objectOf(TmpfsOptions)['SizeBytes']) }), ...(isEmpty(objectOf(TmpfsOptions)['Mode']) ? {} : { mode: objectOf(TmpfsOptions)['Mode'] }) } }
    return { ...common, bind: { ...(isEmpty(objectOf(BindOptions)['Propagation']) ? {} : { propagation: objectOf(BindOptions)['Propagation'] }) } }
  })
  const anonymous = Object.keys(objectOf(own['Volumes'])).filter(path => [...fromBinds, ...fromMounts].every(({ target }) => target !== path)).map(target => ({ type: 'volume', target, volume: {} }))
  const all = [...fromBinds, ...fromMounts, ...anonymous] as JsonObject[]
  return all.length === 0 ? [undefined] : orders(all).flatMap(list => [list, list.map(longForm), list.map(newerLongForm)])
}

/** Written out in the file, without options. */
function longForm({ volume, bind, ...mount }: JsonObject): JsonObject {
  return { ...mount, ...(isEmpty(bind) ? {} : { bind }), ...(isEmpty(volume) ? {} : { volume }) }
}

/** The same by newer versions, which mount such a path as one that they make where it is missing, and do not say so in the hashed text. */
function newerLongForm({ bind, ...mount }: JsonObject): JsonObject {
  return longForm({ ...mount, bind: Object.fromEntries(Object.entries(objectOf(bind)).filter(([option]) => option !== 'create_host_path')) })
}

/** All orders of up to five things; more stay as they are. */
function orders<T>(things: readonly T[]): T[][] {
  if (things.length > 5) return [[...things]]
  if (things.length < 2) return [[...things]]
  return things.flatMap((first, at) => orders([...things.slice(0, at), ...things.slice(at + 1)]).map(rest => [first, ...rest]))
}
