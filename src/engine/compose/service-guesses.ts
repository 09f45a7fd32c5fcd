import type { Json, JsonObject } from '../api-types.ts'
import { isEmpty } from '../spec/field-rule.ts'
import { objectOf, stringsOf, text } from '../spec/json-values.ts'
import { withoutImage } from '../spec/over-image.ts'
import type { ContainerRecord } from '../spec/spec-record.ts'
import { spelledDuration } from './go-json.ts'
import { guessDependencies, guessDeploy, guessDevices, guessNetworks, guessPorts, guessVolumes } from './structure-guesses.ts'

/** What one key of a service may have said, most likely first; undefined is: nothing. */
export type Guesses = readonly (Json | undefined)[]

const given = (value: Json | undefined): Guesses => [isEmpty(value) ? undefined : value]
const bytes = (value: Json | undefined): Guesses => [isEmpty(value) ? undefined : text(value)]
const time = (value: Json | undefined): string | undefined => (isEmpty(value) ? undefined : spelledDuration(Number(value)))

/**
 * Keys of a compose service in the order in which compose writes them, and what a container's settings let guess of them. Keys
 * that no container shows (build, develop, profiles) are not hashed.
 */
export function guessService(record: ContainerRecord): [key: string, guesses: Guesses][] {
  const { inspect, image } = record
  const host = inspect.HostConfig as JsonObject
  const own = withoutImage(inspect.Config, image?.Config)
  const { Type, Config: logOptions } = objectOf(host['LogConfig'])
  return [
    ['annotations', given(host['Annotations'])],
    ['cap_add', capabilities(host['CapAdd'])],
    ['cap_drop', capabilities(host['CapDrop'])],
    ['cgroup_parent', given(host['CgroupParent'])],
    ['cgroup', [undefined, ...given(host['CgroupnsMode'])]],
    ['cpu_period', given(host['CpuPeriod'])],
    ['cpu_quota', given(host['CpuQuota'])],
    ['cpus', isEmpty(host['NanoCpus']) ? [undefined] : [Number(host['NanoCpus']) / 1e9, undefined]],
    ['cpuset', given(host['CpusetCpus'])],
    ['cpu_shares', given(host['CpuShares'])],
    ['command', words(own['Cmd'], inspect.Config.Cmd)],
    ['container_name', [undefined, inspect.Name.slice(1)]],
    ['depends_on', guessDependencies(record)],
    ['deploy', guessDeploy(host)],
    ['device_cgroup_rules', given(host['DeviceCgroupRules'])],
    ['devices', guessDevices(host)],
    ['dns', given(host['Dns'])],
    ['dns_opt', given(host['DnsOptions'])],
    ['dns_search', given(host['DnsSearch'])],
    ['domainname', given(own['Domainname'])],
    ['entrypoint', words(own['Entrypoint'], inspect.Config.Entrypoint)],
    ['environment', [environment(own['Env'])]],
    ['expose', exposed(record, own)],
    ['extra_hosts', given(stringsOf(host['ExtraHosts']).map(each => each.replace(':', '=')).sort())],
    ['group_add', given(host['GroupAdd'])],
    ['hostname', [undefined, ...given(inspect.Config.Hostname)]],
    ['healthcheck', [health(objectOf(own['Healthcheck']))]],
    ['image', [inspect.Config.Image, undefined]],
    ['init', [typeof host['Init'] === 'boolean' ? host['Init'] : undefined]],
    ['ipc', isEmpty(host['IpcMode']) ? [undefined] : [host['IpcMode'] === 'private' ? undefined : host['IpcMode'], ...(host['IpcMode'] === 'private' ? ['private'] : [])]],
    ['labels', given(Object.fromEntries(Object.entries(objectOf(own['Labels'])).filter(([name]) => !name.startsWith('com.docker.compose.')).sort(byName)))],
    ['logging', [undefined, { driver: Type, ...(isEmpty(logOptions) ? {} : { options: sortedMap(logOptions) }) }, ...(isEmpty(logOptions) ? [] : [{ options: sortedMap(logOptions) }])]],
    ['mem_limit', isEmpty(host['Memory']) ? [undefined] : [...bytes(host['Memory']), undefined]],
    ['mem_reservation', bytes(host['MemoryReservation'])],
    ['memswap_limit', isEmpty(host['MemorySwap']) ? [undefined] : [undefined, ...bytes(host['MemorySwap'])]],
    ['mac_address', given(own['MacAddress'])],
    ['network_mode', networkMode(inspect.HostConfig.NetworkMode, record)],
    ['networks', guessNetworks(record)],
    ['oom_kill_disable', given(host['OomKillDisable'])],
    ['oom_score_adj', given(host['OomScoreAdj'])],
    ['pid', given(host['PidMode'])],
    ['pids_limit', given(host['PidsLimit'])],
    ['platform', [undefined, ...(image === undefined ? [] : [`${image.Os}/${image.Architecture}`])]],
    ['ports', guessPorts(host)],
    ['privileged', given(host['Privileged'])],
    ['read_only', given(host['ReadonlyRootfs'])],
    ['restart', restart(objectOf(host['RestartPolicy']))],
    ['runtime', [undefined, ...given(host['Runtime'])]],
    ['security_opt', given(host['SecurityOpt'])],
    ['shm_size', [undefined, ...bytes(host['ShmSize'])]],
    ['stdin_open', given(own['OpenStdin'])],
    ['stop_grace_period', [typeof own['StopTimeout'] === 'number' ? spelledDuration(own['StopTimeout'] * 1e9) : undefined]],
    ['stop_signal', given(own['StopSignal'])],
    ['storage_opt', given(sortedMap(host['StorageOpt']))],
    ['sysctls', given(sortedMap(host['Sysctls']))],
    ['tmpfs', given(Object.entries(objectOf(host['Tmpfs'])).map(([path, options]) => (isEmpty(options) ? path : `${path}:${text(options)}`)))],
    ['tty', given(own['Tty'])],
    ['ulimits', [ulimits(host['Ulimits'])]],
    ['user', given(own['User'])],
    ['userns_mode', given(host['UsernsMode'])],
    ['uts', given(host['UTSMode'])],
    ['volumes', guessVolumes(record, own)],
    ['volumes_from', given(host['VolumesFrom'])],
    ['working_dir', given(own['WorkingDir'])],
  ]
}

/** Two keys that a file may lack are written all the same, as null. */
export const alwaysWritten: ReadonlySet<string> = new Set(['command', 'entrypoint'])

/** What equals the image's may have been written down nevertheless. */
function words(own: Json | undefined, whole: Json | undefined): Guesses {
  const all = stringsOf(whole)
  const list = stringsOf(own)
  if (list.length > 0) return [list.join() === '' ? [] : list]
  return all.length > 0 ? [undefined, all] : [undefined, []]
}

function environment(value: Json | undefined): Json | undefined {
  const pairs = stringsOf(value).map(line => [line.split('=', 1)[0] ?? '', line.replace(/^[^=]*=?/, '')] as const)
  return pairs.length === 0 ? undefined : Object.fromEntries(pairs.sort(byName))
}

function capabilities(value: Json | undefined): Guesses {
  const names = stringsOf(value)
  if (names.length === 0) return [undefined]
  const short = names.map(name => name.replace(/^CAP_/, ''))
  return [short, ...(short.join() === names.join() ? [] : [names])]
}

function exposed({ inspect }: ContainerRecord, own: JsonObject): Guesses {
  const ports = Object.keys(objectOf(own['ExposedPorts'])).filter(port => !Object.hasOwn(objectOf(inspect.HostConfig['PortBindings']), port))
  return ports.length === 0 ? [undefined] : [ports.map(port => port.replace(/\/tcp$/, '')), ports]
}

function health({ Test, Interval, Timeout, Retries, StartPeriod, StartInterval }: JsonObject): Json | undefined {
  if (stringsOf(Test)[0] === 'NONE') return { disable: true }
  const said = { test: isEmpty(Test) ? undefined : Test, timeout: time(Timeout), interval: time(Interval), retries: isEmpty(Retries) ? undefined : Retries, start_period: time(StartPeriod), start_interval: time(StartInterval) }
  const written = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined))
  return isEmpty(written) ? undefined : written
}

/** Without a mode compose joins the first network of the file, which the engine then writes as the mode. */
function networkMode(mode: string, { networks }: ContainerRecord): Guesses {
  const isOfFile = networks.some(({ Name, Labels }) => Name === mode && Labels?.['com.docker.compose.network'] !== undefined)
  return isOfFile ? [undefined] : [mode, undefined]
}

function restart({ Name, MaximumRetryCount }: JsonObject): Guesses {
  if (isEmpty(Name)) return [undefined]
  if (Name === 'no') return [undefined, 'no']
  return [isEmpty(MaximumRetryCount) ? Name : `${text(Name)}:${text(MaximumRetryCount)}`]
}

function ulimits(value: Json | undefined): Json | undefined {
  const limits = (Array.isArray(value) ? value : []).map(objectOf).map(({ Name, Soft, Hard }) => [text(Name), Soft === Hard ? Soft : { soft: Soft, hard: Hard }] as const)
  return limits.length === 0 ? undefined : Object.fromEntries([...limits].sort(byName))
}

function sortedMap(value: Json | undefined): Json {
  return Object.fromEntries(Object.entries(objectOf(value)).sort(byName))
}

/** As Go sorts the keys of a map. */
export function byName([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : one > other ? 1 : 0
}
