import type { Json, JsonObject } from '../api-types.ts'
import { formatBind, isVolumeName, parseBind } from '../spec/bind-string.ts'
import { isEmpty } from '../spec/field-rule.ts'
import { objectOf, stringsOf, text } from '../spec/json-values.ts'
import { goDuration } from './duration.ts'
import { composeDevices, composeMount, mapInFile, securityOptions } from './compose-values.ts'
import { publishedPorts } from './ports.ts'
import { splitOnce, unknownTo, type Inexpressible, type Subject } from './subject.ts'

/** Keys of a service; an undefined one is left out. */
export type Service = Readonly<Record<string, unknown>>

type Write = (value: Json | undefined, subject: Subject, cannot: Inexpressible) => Service

const as = (key: string): Write => value => (isEmpty(value) ? {} : { [key]: value })
const truth = (key: string): Write => value => (value === true ? { [key]: true } : {})
const elsewhere: Write = () => ({})

/** How a service says each field of HostConfig. */
const hostKeys: Readonly<Record<string, Write>> = {
  NetworkMode: elsewhere,
  Binds: elsewhere,
  Mounts: elsewhere,
  VolumesFrom: elsewhere,
  PidMode: elsewhere,
  IpcMode: elsewhere,
  Links: elsewhere,
  RestartPolicy: value => restart(objectOf(value)),
  Tmpfs: value => (isEmpty(value) ? {} : { tmpfs: Object.entries(objectOf(value)).map(([path, options]) => (isEmpty(options) ? path : `${path}:${text(options)}`)) }),
  PortBindings: value => (isEmpty(value) ? {} : { ports: publishedPorts(value) }),
  Dns: as('dns'),
  DnsOptions: as('dns_opt'),
  DnsSearch: as('dns_search'),
  ExtraHosts: as('extra_hosts'),
  Memory: as('mem_limit'),
  MemoryReservation: as('mem_reservation'),
  MemorySwap: as('memswap_limit'),
  MemorySwappiness: value => (typeof value === 'number' ? { mem_swappiness: value } : {}),
  OomKillDisable: truth('oom_kill_disable'),
  OomScoreAdj: as('oom_score_adj'),
  NanoCpus: value => (isEmpty(value) ? {} : { cpus: Number(value) / 1e9 }),
  CpuShares: as('cpu_shares'),
  CpuPeriod: as('cpu_period'),
  CpuQuota: as('cpu_quota'),
  CpuRealtimePeriod: as('cpu_rt_period'),
  CpuRealtimeRuntime: as('cpu_rt_runtime'),
  CpusetCpus: as('cpuset'),
  PidsLimit: as('pids_limit'),
  Ulimits: value => (Array.isArray(value) && value.length > 0 ? { ulimits: Object.fromEntries(value.map(objectOf).map(({ Name, Soft, Hard }) => [text(Name), { soft: Soft ?? 0, hard: Hard ?? 0 }])) } : {}),
  ShmSize: as('shm_size'),
  BlkioWeight: elsewhere,
  BlkioWeightDevice: elsewhere,
  BlkioDeviceReadBps: elsewhere,
  BlkioDeviceWriteBps: elsewhere,
  BlkioDeviceReadIOps: elsewhere,
  BlkioDeviceWriteIOps: elsewhere,
  CapAdd: as('cap_add'),
  CapDrop: as('cap_drop'),
  Privileged: truth('privileged'),
  ReadonlyRootfs: truth('read_only'),
  SecurityOpt: (value, _, cannot) => as('security_opt')(securityOptions(stringsOf(value), cannot), _, cannot),
  UsernsMode: as('userns_mode'),
  UTSMode: as('uts'),
  CgroupnsMode: as('cgroup'),
  CgroupParent: as('cgroup_parent'),
  GroupAdd: as('group_add'),
  Devices: elsewhere,
  DeviceRequests: elsewhere,
  DeviceCgroupRules: as('device_cgroup_rules'),
  Sysctls: as('sysctls'),
  Runtime: as('runtime'),
  Init: value => (typeof value === 'boolean' ? { init: value } : {}),
  LogConfig: value => logging(objectOf(value)),
  StorageOpt: as('storage_opt'),
  Annotations: value => (isEmpty(value) ? {} : { annotations: mapInFile(objectOf(value)) }),
}

/** How a service says each field of Config. */
const configKeys: Readonly<Record<string, Write>> = {
  Image: as('image'),
  Hostname: as('hostname'),
  Domainname: as('domainname'),
  User: as('user'),
  WorkingDir: as('working_dir'),
  Entrypoint: value => (isEmpty(value) ? {} : { entrypoint: stringsOf(value).join() === '' ? [] : value }),
  Cmd: as('command'),
  Env: (value, { hidden }) => (isEmpty(value) ? {} : { environment: stringsOf(value).map(line => (hidden.has(splitOnce(line)[0]) ? `${splitOnce(line)[0]}=\${${splitOnce(line)[0]}}` : escaped(line))) }),
  Labels: elsewhere,
  ExposedPorts: (value, { host }) => as('expose')(Object.keys(objectOf(value)).filter(port => !Object.hasOwn(objectOf(host['PortBindings']), port)), {} as Subject, () => undefined),
  Volumes: elsewhere,
  MacAddress: as('mac_address'),
  OpenStdin: truth('stdin_open'),
  Tty: truth('tty'),
  StopSignal: as('stop_signal'),
  StopTimeout: value => (typeof value === 'number' ? { stop_grace_period: `${value}s` } : {}),
  Healthcheck: (value, _, cannot) => (isEmpty(value) ? {} : { healthcheck: health(objectOf(value), cannot) }),
  AttachStdin: elsewhere,
  AttachStdout: elsewhere,
  AttachStderr: elsewhere,
  StdinOnce: elsewhere,
  HostConfig: elsewhere,
  NetworkingConfig: elsewhere,
}

/** The keys that depend on nothing but the container itself, and the file's names of volumes. Texts are escaped: compose puts no variables into them. */
export function ownKeys(subject: Subject, volumes: ReadonlyMap<string, string>, cannot: Inexpressible): Service {
  const { own, host, request } = subject
  for (const field of [...unknownTo(hostKeys, 'HostConfig', host), ...unknownTo(configKeys, 'Config', own)]) cannot(`${field}: a compose file has no key for it`)
  for (const gap of composesWays(subject)) cannot(gap)
  for (const field of ['MaskedPaths', 'ReadonlyPaths']) if (Array.isArray(host[field]) && host[field].length === 0) cannot(`HostConfig.${field}: a compose file has no key for it`)
  const keys = { ...write(configKeys, own, subject, cannot), ...write(hostKeys, host, subject, cannot) }
  const mounts = [...stringsOf(host['Binds']).map(line => inFile(line, volumes)), ...anonymousPaths(subject), ...(Array.isArray(host['Mounts']) ? host['Mounts'].flatMap(mount => composeMount(objectOf(mount), volumes, cannot) ?? []) : [])]
  return {
    ...escapedAll({ ...keys, environment: undefined }),
    ...(keys['environment'] === undefined ? {} : { environment: keys['environment'] }),
    ...(request.platform === undefined ? {} : { platform: request.platform }),
    ...(mounts.length === 0 ? {} : { volumes: escapedAll(mounts) }),
    ...blockInput(host),
    ...composeDevices(host, cannot),
  }
}

/** What compose does in a way of its own, which does no harm but shows. */
function composesWays({ own, host, request }: Subject): string[] {
  const binds = stringsOf(host['Binds']).map(parseBind)
  const gap = (is: boolean, text: string): string[] => (is ? [text] : [])
  const attached = [...(own['AttachStdin'] === true ? ['AttachStdin'] : []), ...['AttachStdout', 'AttachStderr'].filter(field => own[field] !== true), ...(own['StdinOnce'] === true ? ['StdinOnce'] : [])]
  const published = Object.keys(objectOf(host['PortBindings'])).filter(port => !Object.hasOwn(objectOf(request.body['ExposedPorts']), port))
  return [
    ...gap(attached.length > 0, `${attached.map(field => `Config.${field}`).join(', ')}: compose attaches to stdout and stderr alone, which means nothing to the container`),
    ...gap(published.length > 0, `Config.ExposedPorts: publishing ${published.join(', ')} exposes it too`),
    ...gap(binds.some(({ source }) => isVolumeName(source)), 'HostConfig.Binds, HostConfig.Mounts: compose mounts volumes by HostConfig.Mounts, at the same places'),
    ...gap(binds.some(({ source, mode }) => source.startsWith('/') && !/^(?:.*,)?r[ow](?:,.*)?$/.test(mode)), 'HostConfig.Binds: compose writes rw where nothing is said'),
    ...gap((Array.isArray(host['Mounts']) ? host['Mounts'] : []).some(mount => ['bind', 'volume'].includes(text(objectOf(mount)['Type']))), 'HostConfig.Mounts, HostConfig.Binds: newer versions of compose mount paths and volumes by HostConfig.Binds, at the same places'),
    ...gap(!isEmpty(own['Volumes']), 'Config.Volumes, HostConfig.Mounts: compose mounts anonymous volumes by HostConfig.Mounts, at the same places'),
    ...gap(Object.values(objectOf(host['PortBindings'])).some(isTwice), 'HostConfig.PortBindings: compose takes no address and 0.0.0.0 for the same'),
    ...gap(host['MemorySwappiness'] === 0, 'HostConfig.MemorySwappiness: compose takes 0 for nothing'),
  ]
}

function isTwice(bindings: Json | undefined): boolean {
  const places = (Array.isArray(bindings) ? bindings : []).map(objectOf).map(({ HostIp, HostPort }) => `${text(HostIp) || '0.0.0.0'}:${text(HostPort)}`)
  return new Set(places).size < places.length
}

/** Where nothing else is mounted: compose takes the last one of a place. */
function anonymousPaths({ own, host }: Subject): string[] {
  const taken = new Set([...stringsOf(host['Binds']).map(line => parseBind(line).destination), ...(Array.isArray(host['Mounts']) ? host['Mounts'].map(mount => text(objectOf(mount)['Target'])) : [])])
  return Object.keys(objectOf(own['Volumes'])).filter(path => !taken.has(path))
}

function inFile(line: string, volumes: ReadonlyMap<string, string>): string {
  const bind = parseBind(line)
  return formatBind({ ...bind, source: volumes.get(bind.source) ?? bind.source })
}

function write(table: Readonly<Record<string, Write>>, fields: JsonObject, subject: Subject, cannot: Inexpressible): Service {
  return Object.assign({}, ...Object.entries(table).map(([field, make]) => make(fields[field], subject, cannot))) as Service
}

function restart({ Name, MaximumRetryCount }: JsonObject): Service {
  if (isEmpty(Name) || Name === 'no') return {}
  return { restart: isEmpty(MaximumRetryCount) ? Name : `${text(Name)}:${text(MaximumRetryCount)}` }
}

function logging({ Type, Config }: JsonObject): Service {
  return isEmpty(Type) ? {} : { logging: { driver: Type, ...(isEmpty(Config) ? {} : { options: Config }) } }
}

function health({ Test, Interval, Timeout, StartPeriod, StartInterval, Retries }: JsonObject, cannot: Inexpressible): Service {
  if (stringsOf(Test)[0] === 'NONE') {
    if (![Interval, Timeout, StartPeriod, StartInterval, Retries].every(isEmpty)) cannot('Config.Healthcheck: compose takes no other setting of a health check that is off')
    return { disable: true }
  }
  const isIdle = !isEmpty(StartInterval) && isEmpty(StartPeriod)
  if (isIdle) cannot('Config.Healthcheck.StartInterval: newer versions of compose take none without a start period, in which alone it counts')
  const time = (key: string, value: Json | undefined): Service => (isEmpty(value) ? {} : { [key]: goDuration(Number(value)) })
  return { ...(isEmpty(Test) ? {} : { test: Test }), ...time('interval', Interval), ...time('timeout', Timeout), ...time('start_period', StartPeriod), ...(isIdle ? {} : time('start_interval', StartInterval)), ...(isEmpty(Retries) ? {} : { retries: Retries }) }
}

function blockInput(host: JsonObject): Service {
  const list = (field: string, key: string, part: string): Service => (Array.isArray(host[field]) && host[field].length > 0 ? { [key]: host[field].map(objectOf).map(each => ({ path: each['Path'], [part.toLowerCase()]: each[part] })) } : {})
  const config = {
    ...(isEmpty(host['BlkioWeight']) ? {} : { weight: host['BlkioWeight'] }),
    ...list('BlkioWeightDevice', 'weight_device', 'Weight'),
    ...list('BlkioDeviceReadBps', 'device_read_bps', 'Rate'),
    ...list('BlkioDeviceWriteBps', 'device_write_bps', 'Rate'),
    ...list('BlkioDeviceReadIOps', 'device_read_iops', 'Rate'),
    ...list('BlkioDeviceWriteIOps', 'device_write_iops', 'Rate'),
  }
  return Object.keys(config).length === 0 ? {} : { blkio_config: config }
}

/** compose reads $NAME as a variable, and $$ as a dollar. */
export function escaped(line: string): string {
  return line.replaceAll('$', '$$$$')
}

/** All texts in it. */
export function escapedAll<T>(value: T): T {
  if (typeof value === 'string') return escaped(value) as T
  if (Array.isArray(value)) return value.map(escapedAll) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined).map(([key, each]) => [key, escapedAll(each as unknown)])) as T
}
