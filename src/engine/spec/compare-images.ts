import { isDeepStrictEqual } from 'node:util'
import type { Json } from '../api-types.ts'
import { isEmpty } from './field-rule.ts'
import { objectOf, stringsOf } from './json-values.ts'
import { withoutImage, type ImageConfig } from './over-image.ts'
import type { ContainerRecord } from './spec-record.ts'

export type ImageDifference = { readonly what: 'volumes' | 'user' | 'ports' | 'entrypoint' | 'command'; readonly before: Json; readonly after: Json }

/** What two images say of how they are run, as far as it differs. */
export function compareImages(before: ImageConfig, after: ImageConfig): ImageDifference[] {
  const [old, next] = [before ?? {}, after ?? {}]
  const keys = (value: Json | undefined): string[] => Object.keys(objectOf(value)).sort()
  const all: ImageDifference[] = [
    { what: 'volumes', before: keys(old['Volumes']), after: keys(next['Volumes']) },
    { what: 'user', before: old['User'] ?? '', after: next['User'] ?? '' },
    { what: 'ports', before: keys(old['ExposedPorts']), after: keys(next['ExposedPorts']) },
    { what: 'entrypoint', before: stringsOf(old['Entrypoint']), after: stringsOf(next['Entrypoint']) },
    { what: 'command', before: stringsOf(old['Cmd']), after: stringsOf(next['Cmd']) },
  ]
  return all.filter(each => !isDeepStrictEqual(each.before, each.after))
}

/** Places that the old image keeps data at, where the container has a mount, and that the new one does not know. */
export function movedDataPaths({ inspect }: Pick<ContainerRecord, 'inspect'>, before: ImageConfig, after: ImageConfig): string[] {
  const [old, next] = [before, after].map(config => Object.keys(objectOf(config?.['Volumes']))) as [string[], string[]]
  return old.filter(path => !next.includes(path) && inspect.Mounts.some(({ Destination }) => Destination === path || Destination.startsWith(`${path}/`)))
}

/** Places that only the new image declares and the container has no mount at: it would begin with nothing there. */
export function newDataPaths({ inspect }: Pick<ContainerRecord, 'inspect'>, before: ImageConfig, after: ImageConfig): string[] {
  const old = Object.keys(objectOf(before?.['Volumes']))
  return Object.keys(objectOf(after?.['Volumes'])).filter(path => !old.includes(path) && !inspect.Mounts.some(({ Destination }) => Destination === path))
}

/** Published ports that the old image exposed and the new one does not: its program may listen elsewhere. */
export function movedPorts({ inspect }: Pick<ContainerRecord, 'inspect'>, before: ImageConfig, after: ImageConfig): string[] {
  const [old, next] = [before, after].map(config => objectOf(config?.['ExposedPorts'])) as [object, object]
  return Object.keys(objectOf(inspect.HostConfig['PortBindings'] as Json)).filter(port => Object.hasOwn(old, port) && !Object.hasOwn(next, port))
}

const fieldOf = { user: 'User', entrypoint: 'Entrypoint', command: 'Cmd' } as const

/** What the new image says otherwise, and the container has of its own: that stays. */
export function givenInstead({ inspect, image }: Pick<ContainerRecord, 'inspect' | 'image'>, differences: readonly ImageDifference[]): (keyof typeof fieldOf)[] {
  const own = withoutImage(inspect.Config, image?.Config)
  return differences.map(({ what }) => what).filter((what): what is keyof typeof fieldOf => what in fieldOf && !isEmpty(own[fieldOf[what as keyof typeof fieldOf]]))
}
