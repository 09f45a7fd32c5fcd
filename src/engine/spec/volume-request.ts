import type { VolumeInspect } from '../api-types.ts'
import type { EngineFacts } from '../engine.ts'
import { isEmpty } from './field-rule.ts'
import { isAnonymousName, originOf } from './mount-origin.ts'
import { keepsVolumesFrom, staysAnonymous } from './mount-request.ts'
import type { ReplayContext } from './replay-context.ts'

/** The body of POST /volumes/create. */
export type VolumeCreate = { readonly Name: string; readonly Driver: string; readonly DriverOpts?: Record<string, string>; readonly Labels?: Record<string, string> }

/** A volume that create makes by itself: its data is written afterwards, at this place of the new container. */
export type AnonymousVolume = { readonly destination: string; readonly recordedName: string }

/** Named volumes, to be created (and filled) before the container, because create by reference makes a plain local one. */
export function volumesToCreate(context: ReplayContext): VolumeCreate[] {
  const { record, target, notes, obstacles } = context
  const anonymous = new Set(anonymousVolumes(context).map(({ recordedName }) => recordedName))
  const declared = new Set(record.inspect.Mounts.filter(mount => originOf(mount, record) === 'declared').map(mount => mount.Name))
  return record.volumes.filter(({ Name }) => declared.has(Name) || !anonymous.has(Name)).filter(({ Name }) => !isInheritedFromKept(Name, context)).map(volume => {
    if (!isEmpty(volume.Options)) notes.push({ field: `Volumes.${volume.Name}`, text: `made with options that name things of the host: ${Object.entries(volume.Options ?? {}).map(([key, value]) => `${key}=${value}`).join(' ')}` })
    if (isDriverMissing(volume.Driver, target)) obstacles.push({ text: `the target has no volume driver "${volume.Driver}", which volume "${volume.Name}" needs`, hint: 'install the plugin on the target' })
    return volumeToCreate(volume)
  })
}

/** What was null stays null: engines answer {} to {}. */
export function volumeToCreate({ Name, Driver, Options, Labels }: VolumeInspect): VolumeCreate {
  return { Name, Driver, ...(Options ? { DriverOpts: Options } : {}), ...(Labels ? { Labels } : {}) }
}

export function anonymousVolumes(context: ReplayContext): AnonymousVolume[] {
  const { record } = context
  const inheritedAreNew = !keepsVolumesFrom(context)
  return record.inspect.Mounts.flatMap(mount => {
    const origin = originOf(mount, record)
    const isNew = origin === 'anonymous' || (origin === 'inherited' && inheritedAreNew && staysAnonymous(mount))
    return isNew && mount.Name !== undefined ? [{ destination: mount.Destination, recordedName: mount.Name }] : []
  })
}

/** The other container's anonymous volumes come with that container. */
function isInheritedFromKept(name: string, context: ReplayContext): boolean {
  const mounts = context.record.inspect.Mounts.filter(mount => mount.Name === name)
  return isAnonymousName(name) && keepsVolumesFrom(context) && mounts.length > 0 && mounts.every(mount => originOf(mount, context.record) === 'inherited')
}

function isDriverMissing(driver: string, { info }: EngineFacts): boolean {
  const known = (info['Plugins'] as { Volume?: string[] | null } | undefined)?.Volume ?? []
  return known.length > 0 && !known.includes(driver) && !known.includes(`${driver}:latest`) && !known.includes(driver.replace(/:latest$/, ''))
}
