import type { ContainerInspect, JsonObject } from '../api-types.ts'
import { configFields, endpointFields, inspectFields, networkSettingsFields } from './container-fields.ts'
import { isEmpty, type FieldTable } from './field-rule.ts'
import { hostConfigFields } from './host-config-fields.ts'

/** Fields with a value that no table names, as `HostConfig.NewThing`: a newer engine has written them. */
export function unknownFields(inspect: ContainerInspect): string[] {
  const settings = inspect.NetworkSettings
  return [
    ...unknownIn(inspect as unknown as JsonObject, inspectFields, ''),
    ...unknownIn(inspect.Config, configFields, 'Config.'),
    ...unknownIn(inspect.HostConfig, hostConfigFields, 'HostConfig.'),
    ...unknownIn(settings as unknown as JsonObject, networkSettingsFields, 'NetworkSettings.'),
    ...Object.entries(settings.Networks).flatMap(([name, endpoint]) => unknownIn(endpoint, endpointFields, `NetworkSettings.Networks.${name}.`)),
  ]
}

function unknownIn(object: JsonObject, table: FieldTable, prefix: string): string[] {
  return Object.keys(object).filter(field => !Object.hasOwn(table, field) && !isEmpty(object[field])).map(field => `${prefix}${field}`)
}
