import type { ContainerInspect, ImageInspect, JsonObject, MountPoint } from '../api-types.ts'
import { parseBind } from './bind-string.ts'
import { stringsOf } from './json-values.ts'
import { mountsOf, originOf } from './mount-origin.ts'
import { withImage, withoutImage } from './over-image.ts'
import type { ContainerRecord } from './spec-record.ts'

/**
 * The record of a container as it is to be with another image: what somebody gave stays, what came from the old image comes from
 * the new one. Its volumes are the same ones: anonymous ones are named, so that create makes no new ones. `moved` are paths in
 * the container at which data is to be mounted elsewhere.
 */
export function overNewImage(record: ContainerRecord, image: ImageInspect, reference: string, moved: ReadonlyMap<string, string>): ContainerRecord {
  const { inspect } = record
  const at = (path: string): string => moved.get(path) ?? path
  const own = withoutImage(inspect.Config, record.image?.Config)
  const config = { ...withImage(own, image.Config), Image: reference } as ContainerInspect['Config']
  const anonymous = inspect.Mounts.filter(mount => originOf(mount, record) === 'anonymous')
  const isAnonymous = (path: unknown): boolean => anonymous.some(({ Destination }) => Destination === path)
  const binds = stringsOf(inspect.HostConfig.Binds).filter(line => parseBind(line).source !== '').map(line => movedBind(line, at))
  const host: JsonObject = {
    ...inspect.HostConfig,
    Binds: [...binds, ...anonymous.map(({ Name, Destination, RW }) => `${Name ?? ''}:${at(Destination)}${RW ? '' : ':ro'}`)],
    Mounts: mountsOf(inspect.HostConfig['Mounts']).filter(mount => !isAnonymous(mount['Target'])).map(mount => ({ ...mount, Target: at(String(mount['Target'])) })) as JsonObject[],
  }
  return {
    ...record,
    image,
    inspect: { ...inspect, Image: image.Id, Config: config, HostConfig: host as ContainerInspect['HostConfig'], Mounts: inspect.Mounts.map((mount): MountPoint => ({ ...mount, Destination: at(mount.Destination) })) },
  }
}

function movedBind(line: string, at: (path: string) => string): string {
  const { source, destination, mode } = parseBind(line)
  return [source, at(destination), mode].filter(part => part !== '').join(':')
}
