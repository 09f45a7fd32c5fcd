import type { JsonObject } from '../api-types.ts'
import type { EngineFacts } from '../engine.ts'
import { hasApi } from '../spec/api-version.ts'
import { isEmpty } from '../spec/field-rule.ts'
import { objectOf, stringsOf, text } from '../spec/json-values.ts'
import type { Inexpressible } from './subject.ts'

/** The value of `--mount` for an element of HostConfig.Mounts: fields of CSV. */
export function mountFlag(mount: JsonObject, engine: EngineFacts, cannot: Inexpressible): string {
  const { Type, Source, Target, ReadOnly, Consistency, BindOptions, VolumeOptions, TmpfsOptions, ImageOptions, ...others } = mount
  const at = text(Target)
  const fields = [
    `type=${text(Type)}`,
    ...(isEmpty(Source) ? [] : [`src=${text(Source)}`]),
    `dst=${at}`,
    ...(ReadOnly === true ? ['readonly'] : []),
    ...(isEmpty(Consistency) ? [] : [`consistency=${text(Consistency)}`]),
    ...bindFields(objectOf(BindOptions), engine, option => cannot(`HostConfig.Mounts "${at}": ${option}`)),
    ...volumeFields(objectOf(VolumeOptions)),
    ...tmpfsFields(objectOf(TmpfsOptions), option => cannot(`HostConfig.Mounts "${at}": ${option}`)),
    ...(isEmpty(objectOf(ImageOptions)['Subpath']) ? [] : [`image-subpath=${text(objectOf(ImageOptions)['Subpath'])}`]),
  ]
  for (const [option, value] of Object.entries(others)) if (!isEmpty(value)) cannot(`HostConfig.Mounts "${at}": ${option}`)
  return fields.map(csvField).join(',')
}

function bindFields(bind: JsonObject, engine: EngineFacts, cannot: Inexpressible): string[] {
  const { Propagation, NonRecursive, ReadOnlyNonRecursive, ReadOnlyForceRecursive, CreateMountpoint } = bind
  if (CreateMountpoint === true) cannot('BindOptions.CreateMountpoint')
  return [
    ...(isEmpty(Propagation) ? [] : [`bind-propagation=${text(Propagation)}`]),
    ...(NonRecursive === true ? [hasApi(engine, '1.44') ? 'bind-recursive=disabled' : 'bind-nonrecursive'] : []),
    ...(ReadOnlyNonRecursive === true ? ['bind-recursive=writable'] : []),
    ...(ReadOnlyForceRecursive === true ? ['bind-recursive=readonly'] : []),
  ]
}

function volumeFields({ NoCopy, Labels, DriverConfig, Subpath }: JsonObject): string[] {
  const driver = objectOf(DriverConfig)
  return [
    ...(NoCopy === true ? ['volume-nocopy'] : []),
    ...(isEmpty(Subpath) ? [] : [`volume-subpath=${text(Subpath)}`]),
    ...(isEmpty(driver['Name']) ? [] : [`volume-driver=${text(driver['Name'])}`]),
    ...Object.entries(objectOf(driver['Options'])).map(([key, value]) => `volume-opt=${key}=${text(value)}`),
    ...Object.entries(objectOf(Labels)).map(([key, value]) => `volume-label=${key}=${text(value)}`),
  ]
}

function tmpfsFields({ SizeBytes, Mode, Options }: JsonObject, cannot: Inexpressible): string[] {
  if (!isEmpty(Options)) cannot('TmpfsOptions.Options')
  return [
    ...(isEmpty(SizeBytes) ? [] : [`tmpfs-size=${text(SizeBytes)}`]),
    ...(typeof Mode === 'number' && Mode !== 0 ? [`tmpfs-mode=${Mode.toString(8)}`] : []),
  ]
}

/** The value of `--gpus` for an element of HostConfig.DeviceRequests; undefined where there is none. */
export function gpuFlag({ Driver, Count, DeviceIDs, Capabilities, Options }: JsonObject): string | undefined {
  const sets = Array.isArray(Capabilities) ? Capabilities.map(stringsOf) : []
  const [set = [], ...more] = sets
  if (more.length > 0 || !set.includes('gpu')) return undefined
  const named = set.filter(each => each !== 'gpu')
  const ids = stringsOf(DeviceIDs)
  const fields = [
    ...(ids.length > 0 ? [`device=${ids.join(',')}`] : [`count=${Count === -1 ? 'all' : text(Count)}`]),
    ...(isEmpty(Driver) ? [] : [`driver=${text(Driver)}`]),
    ...(named.length > 0 ? [`capabilities=${named.join(',')}`] : []),
    ...(isEmpty(Options) ? [] : [`options=${Object.entries(objectOf(Options)).map(([key, value]) => `${key}=${text(value)}`).join(',')}`]),
  ]
  return fields.map(csvField).join(',')
}

export function csvField(field: string): string {
  return /[",\n\r]|^\s/.test(field) ? `"${field.replaceAll('"', '""')}"` : field
}
