import type { Json, JsonObject } from '../api-types.ts'
import { isEmpty } from '../spec/field-rule.ts'
import { objectOf, stringsOf, text } from '../spec/json-values.ts'
import { gpuFlag, mountFlag } from './mount-flag.ts'
import { publishedPorts } from './ports.ts'
import type { Inexpressible, Subject } from './subject.ts'

/** One option with its values, as words: `['--env', 'A=b']`. */
export type Option = readonly string[]

type Write = (value: Json | undefined, subject: Subject, cannot: Inexpressible) => readonly Option[]

const one = (option: string): Write => value => (isEmpty(value) ? [] : [[option, text(value)]])
const each = (option: string): Write => value => stringsOf(value).map(item => [option, item])
const pairs = (option: string): Write => value => Object.entries(objectOf(value)).map(([key, item]) => [option, `${key}=${text(item)}`])
const flag = (option: string): Write => value => (value === true ? [[option]] : [])
const objects = (option: string, write: (item: JsonObject) => string): Write => value => (Array.isArray(value) ? value.map(item => [option, write(objectOf(item))]) : [])
const elsewhere: Write = () => []
/** docker's own command of 26.1 takes these options and sends nothing. */
const ofDevice = (option: string, field: string, part: string): Write => (value, subject, cannot) => {
  if (!isEmpty(value) && subject.record.engine.serverVersion.startsWith('26.')) cannot(`HostConfig.${field}: the docker command of version 26.1 leaves it out`)
  return objects(option, item => `${text(item['Path'])}:${text(item[part])}`)(value, subject, cannot)
}
const never = (why: string, field: string): Write => (value, _, cannot) => {
  if (!isEmpty(value)) cannot(`HostConfig.${field}: ${why}`)
  return []
}

/** How the docker command takes each field of HostConfig. */
export const hostOptions: Readonly<Record<string, Write>> = {
  NetworkMode: elsewhere,
  RestartPolicy: value => restart(objectOf(value)),
  AutoRemove: flag('--rm'),
  Binds: each('--volume'),
  Mounts: (value, { record }, cannot) => (Array.isArray(value) ? value.map(mount => ['--mount', mountFlag(objectOf(mount), record.engine, cannot)]) : []),
  VolumesFrom: each('--volumes-from'),
  VolumeDriver: one('--volume-driver'),
  Tmpfs: value => Object.entries(objectOf(value)).map(([path, options]) => ['--tmpfs', isEmpty(options) ? path : `${path}:${text(options)}`]),
  PortBindings: value => publishedPorts(value).map(port => ['--publish', port]),
  PublishAllPorts: flag('--publish-all'),
  Links: each('--link'),
  Dns: each('--dns'),
  DnsOptions: each('--dns-option'),
  DnsSearch: each('--dns-search'),
  ExtraHosts: each('--add-host'),
  Memory: one('--memory'),
  MemoryReservation: one('--memory-reservation'),
  MemorySwap: one('--memory-swap'),
  MemorySwappiness: value => (typeof value === 'number' ? [['--memory-swappiness', String(value)]] : []),
  KernelMemory: one('--kernel-memory'),
  KernelMemoryTCP: never('docker run has no option for it', 'KernelMemoryTCP'),
  OomKillDisable: flag('--oom-kill-disable'),
  OomScoreAdj: one('--oom-score-adj'),
  NanoCpus: value => (isEmpty(value) ? [] : [['--cpus', String(Number(value) / 1e9)]]),
  CpuShares: one('--cpu-shares'),
  CpuPeriod: one('--cpu-period'),
  CpuQuota: one('--cpu-quota'),
  CpuRealtimePeriod: one('--cpu-rt-period'),
  CpuRealtimeRuntime: one('--cpu-rt-runtime'),
  CpusetCpus: one('--cpuset-cpus'),
  CpusetMems: one('--cpuset-mems'),
  PidsLimit: one('--pids-limit'),
  Ulimits: objects('--ulimit', ({ Name, Soft, Hard }) => `${text(Name)}=${text(Soft ?? 0)}:${text(Hard ?? 0)}`),
  ShmSize: one('--shm-size'),
  BlkioWeight: one('--blkio-weight'),
  BlkioWeightDevice: ofDevice('--blkio-weight-device', 'BlkioWeightDevice', 'Weight'),
  BlkioDeviceReadBps: ofDevice('--device-read-bps', 'BlkioDeviceReadBps', 'Rate'),
  BlkioDeviceWriteBps: ofDevice('--device-write-bps', 'BlkioDeviceWriteBps', 'Rate'),
  BlkioDeviceReadIOps: ofDevice('--device-read-iops', 'BlkioDeviceReadIOps', 'Rate'),
  BlkioDeviceWriteIOps: ofDevice('--device-write-iops', 'BlkioDeviceWriteIOps', 'Rate'),
  CapAdd: each('--cap-add'),
  CapDrop: each('--cap-drop'),
  Privileged: flag('--privileged'),
  ReadonlyRootfs: flag('--read-only'),
  SecurityOpt: security,
  MaskedPaths: unconfined,
  ReadonlyPaths: (value, { host }, cannot) => {
    if (value !== undefined && !isOpen(host)) cannot('HostConfig.ReadonlyPaths: only systempaths=unconfined can be asked for')
    return []
  },
  UsernsMode: one('--userns'),
  PidMode: one('--pid'),
  IpcMode: one('--ipc'),
  UTSMode: one('--uts'),
  CgroupnsMode: one('--cgroupns'),
  CgroupParent: one('--cgroup-parent'),
  GroupAdd: each('--group-add'),
  Devices: objects('--device', ({ PathOnHost, PathInContainer, CgroupPermissions }) => [PathOnHost, PathInContainer, CgroupPermissions].filter(part => !isEmpty(part)).map(text).join(':')),
  DeviceCgroupRules: each('--device-cgroup-rule'),
  DeviceRequests: devices,
  Sysctls: pairs('--sysctl'),
  Runtime: one('--runtime'),
  Init: value => (value === true ? [['--init']] : value === false ? [['--init=false']] : []),
  LogConfig: value => logging(objectOf(value)),
  StorageOpt: pairs('--storage-opt'),
  Annotations: pairs('--annotation'),
}

function restart({ Name, MaximumRetryCount }: JsonObject): Option[] {
  if (isEmpty(Name) || Name === 'no') return []
  return [['--restart', isEmpty(MaximumRetryCount) ? text(Name) : `${text(Name)}:${text(MaximumRetryCount)}`]]
}

function logging({ Type, Config }: JsonObject): Option[] {
  return [...(isEmpty(Type) ? [] : [['--log-driver', text(Type)]]), ...Object.entries(objectOf(Config)).map(([key, value]) => ['--log-opt', `${key}=${text(value)}`])]
}

/** The docker command reads a profile from a file; the engine has its text. */
function security(value: Json | undefined, _subject: Subject, cannot: Inexpressible): Option[] {
  return stringsOf(value).flatMap(option => {
    if (!/^seccomp[=:]\s*\{/.test(option)) return [['--security-opt', option]]
    cannot('HostConfig.SecurityOpt: the seccomp profile: write it into a file and add --security-opt seccomp=FILE (it is in: dray describe … --as json)')
    return []
  })
}

/** Empty lists, which are not the same as none. */
function isOpen({ MaskedPaths, ReadonlyPaths }: JsonObject): boolean {
  return Array.isArray(MaskedPaths) && MaskedPaths.length === 0 && Array.isArray(ReadonlyPaths) && ReadonlyPaths.length === 0
}

function unconfined(value: Json | undefined, { host }: Subject, cannot: Inexpressible): readonly Option[] {
  if (value === undefined) return []
  if (isOpen(host)) return [['--security-opt', 'systempaths=unconfined']]
  cannot('HostConfig.MaskedPaths: only systempaths=unconfined can be asked for')
  return []
}

function devices(value: Json | undefined, _subject: Subject, cannot: Inexpressible): Option[] {
  return (Array.isArray(value) ? value.map(objectOf) : []).flatMap(request => {
    if (request['Driver'] === 'cdi') return stringsOf(request['DeviceIDs']).map(id => ['--device', id])
    const gpus = gpuFlag(request)
    if (gpus !== undefined) return [['--gpus', gpus]]
    cannot(`HostConfig.DeviceRequests: ${JSON.stringify(request)}`)
    return []
  })
}
