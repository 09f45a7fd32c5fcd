import type { JsonObject } from '../api-types.ts'
import { isEmpty } from '../spec/field-rule.ts'
import { objectOf, stringsOf, text } from '../spec/json-values.ts'
import type { Inexpressible } from './subject.ts'

/** An element of HostConfig.Mounts in compose's long form; undefined where there is none. */
export function composeMount(mount: JsonObject, volumes: ReadonlyMap<string, string>, cannot: Inexpressible): object | undefined {
  const { Type, Source, Target, ReadOnly, Consistency, BindOptions, VolumeOptions, TmpfsOptions, ImageOptions } = mount
  const [bind, volume, tmpfs, image] = [BindOptions, VolumeOptions, TmpfsOptions, ImageOptions].map(objectOf) as [JsonObject, JsonObject, JsonObject, JsonObject]
  if (!['bind', 'volume', 'tmpfs', 'image'].includes(text(Type))) {
    cannot(`HostConfig.Mounts "${text(Target)}": a mount of type ${text(Type)}`)
    return undefined
  }
  for (const option of ['DriverConfig', 'Labels']) if (!isEmpty(volume[option])) cannot(`HostConfig.Mounts "${text(Target)}": VolumeOptions.${option}: declare the volume under "volumes" instead`)
  for (const option of ['NonRecursive', 'ReadOnlyNonRecursive', 'ReadOnlyForceRecursive']) if (bind[option] === true) cannot(`HostConfig.Mounts "${text(Target)}": BindOptions.${option}`)
  const part = (key: string, values: JsonObject): object => {
    const given = Object.fromEntries(Object.entries(values).filter(([, value]) => !isEmpty(value)))
    return Object.keys(given).length === 0 ? {} : { [key]: given }
  }
  return {
    type: Type,
    ...(isEmpty(Source) ? {} : { source: volumes.get(text(Source)) ?? Source }),
    target: Target,
    ...(ReadOnly === true ? { read_only: true } : {}),
    ...(isEmpty(Consistency) ? {} : { consistency: Consistency }),
    ...(Type === 'bind' ? { bind: { ...(isEmpty(bind['Propagation']) ? {} : { propagation: bind['Propagation'] }), create_host_path: bind['CreateMountpoint'] === true } } : {}),
    ...part('volume', { nocopy: volume['NoCopy'], subpath: volume['Subpath'] }),
    ...part('tmpfs', { size: tmpfs['SizeBytes'], mode: tmpfs['Mode'] }),
    ...part('image', { subpath: image['Subpath'] }),
  }
}

/** Names with texts: as a list where a name would be taken for an extension of the file. */
export function mapInFile(pairs: JsonObject): JsonObject | string[] {
  return Object.keys(pairs).some(key => key.startsWith('x-')) ? Object.entries(pairs).map(([key, value]) => `${key}=${text(value)}`) : pairs
}

/** compose reads a profile from a file; the engine has its text. */
export function securityOptions(options: readonly string[], cannot: Inexpressible): string[] {
  return options.filter(option => {
    const isProfile = /^seccomp[=:]\s*\{/.test(option)
    if (isProfile) cannot('HostConfig.SecurityOpt: the seccomp profile: write it into a file and name it as "seccomp:FILE" under security_opt (it is in: dray describe … --as json)')
    return !isProfile
  })
}

export function composeDevices({ Devices, DeviceRequests }: JsonObject, cannot: Inexpressible): object {
  const requests = Array.isArray(DeviceRequests) ? DeviceRequests.map(objectOf) : []
  const named = requests.filter(({ Driver }) => Driver === 'cdi').flatMap(({ DeviceIDs }) => stringsOf(DeviceIDs))
  const devices = [...named, ...(Array.isArray(Devices) ? Devices.map(objectOf).map(({ PathOnHost, PathInContainer, CgroupPermissions }) => [PathOnHost, PathInContainer, CgroupPermissions].filter(part => !isEmpty(part)).map(text).join(':')) : [])]
  const reserved = requests.filter(({ Driver }) => Driver !== 'cdi').map(({ Driver, Count, DeviceIDs, Capabilities, Options }) => {
    const [set = [], ...others] = Array.isArray(Capabilities) ? Capabilities.map(stringsOf) : []
    if (others.length > 0) cannot('HostConfig.DeviceRequests: alternative sets of capabilities')
    return { ...(isEmpty(Driver) ? {} : { driver: Driver }), ...(isEmpty(DeviceIDs) ? { count: Count === -1 ? 'all' : Count } : { device_ids: DeviceIDs }), capabilities: set, ...(isEmpty(Options) ? {} : { options: Options }) }
  })
  return {
    ...(devices.length === 0 ? {} : { devices }),
    ...(reserved.length === 0 ? {} : { deploy: { resources: { reservations: { devices: reserved } } } }),
  }
}
