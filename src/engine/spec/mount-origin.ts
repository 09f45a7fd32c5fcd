import type { MountPoint } from '../api-types.ts'
import { parseBind } from './bind-string.ts'
import { objectOf, stringsOf } from './json-values.ts'
import { findPeer } from './peers.ts'
import type { ContainerRecord } from './spec-record.ts'

/**
 * Where an entry of .Mounts comes from: `declared` in Binds or Mounts by a source; `anonymous`, made by create and removed by
 * rm -v; `inherited` through volumes-from (or by a way that is not in the spec), which has to be written out when the other
 * container is not there.
 */
export type MountOrigin = 'declared' | 'anonymous' | 'inherited'

export function originOf(mount: MountPoint, record: Pick<ContainerRecord, 'inspect' | 'peers'>): MountOrigin {
  const { Config, HostConfig } = record.inspect
  const bind = stringsOf(HostConfig.Binds).map(parseBind).find(each => samePath(each.destination, mount.Destination))
  if (bind !== undefined) return bind.source === '' ? 'anonymous' : 'declared'
  const own = mountsOf(HostConfig['Mounts']).find(each => samePath(each['Target'], mount.Destination))
  if (own !== undefined) return own['Type'] === 'volume' && !own['Source'] ? 'anonymous' : 'declared'
  if (isFromPeer(mount, record as ContainerRecord)) return 'inherited'
  const isDeclared = Object.keys(objectOf(Config.Volumes as never)).some(path => samePath(path, mount.Destination))
  return mount.Type === 'volume' && isDeclared && isAnonymousName(mount.Name) ? 'anonymous' : 'inherited'
}

/** The name that engines give to a volume without one. */
export function isAnonymousName(name: string | undefined): boolean {
  return name !== undefined && /^[0-9a-f]{64}$/.test(name)
}

export function mountsOf(value: unknown): { readonly [key: string]: unknown; readonly VolumeOptions?: unknown }[] {
  return Array.isArray(value) ? value.filter(each => typeof each === 'object' && each !== null) as Record<string, unknown>[] : []
}

export function isSameMount(one: MountPoint, other: MountPoint): boolean {
  if (one.Type !== other.Type || one.Destination !== other.Destination) return false
  return one.Type === 'volume' ? one.Name === other.Name : one.Source === other.Source
}

/** The containers of volumes-from, without their modes. */
export function volumeSources({ HostConfig }: ContainerRecord['inspect']): { readonly name: string; readonly mode: string }[] {
  return stringsOf(HostConfig['VolumesFrom']).map(entry => {
    const [name = '', mode = ''] = entry.split(':')
    return { name, mode }
  })
}

function isFromPeer(mount: MountPoint, record: ContainerRecord): boolean {
  return volumeSources(record.inspect).some(({ name }) => findPeer(record, name)?.mounts.some(each => isSameMount(each, mount)) === true)
}

function samePath(one: unknown, other: string): boolean {
  return typeof one === 'string' && (one === other || one.replace(/(.)\/+$/, '$1') === other)
}
