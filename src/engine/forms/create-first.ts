import type { JsonObject } from '../api-types.ts'
import { isEmpty } from '../spec/field-rule.ts'
import { objectOf, text } from '../spec/json-values.ts'
import type { NetworkCreate } from '../spec/network-request.ts'
import type { VolumeCreate } from '../spec/volume-request.ts'

export function volumeCommand({ Name, Driver, DriverOpts = {}, Labels = {} }: VolumeCreate): string[] {
  return ['docker', 'volume', 'create', ...(Driver === 'local' ? [] : ['--driver', Driver]), ...pairs('--opt', DriverOpts), ...pairs('--label', Labels), Name]
}

/** The docker command finds the pool that an address belongs to by its subnet. */
export function networkCommand({ Name, Driver, Internal, Attachable, EnableIPv4, EnableIPv6, ConfigOnly, ConfigFrom, Scope, IPAM, Options, Labels }: NetworkCreate): string[] {
  const { Driver: ipamDriver, Options: ipamOptions, Config: pools } = objectOf(IPAM)
  const list = Array.isArray(pools) ? pools.map(objectOf) : []
  return [
    'docker', 'network', 'create',
    ...(isEmpty(Driver) || Driver === 'bridge' ? [] : ['--driver', text(Driver)]),
    ...(Internal === true ? ['--internal'] : []),
    ...(Attachable === true ? ['--attachable'] : []),
    ...(EnableIPv4 === false ? ['--ipv4=false'] : []),
    ...(EnableIPv6 === true ? ['--ipv6'] : []),
    ...(ConfigOnly === true ? ['--config-only'] : []),
    ...(isEmpty(objectOf(ConfigFrom)['Network']) ? [] : ['--config-from', text(objectOf(ConfigFrom)['Network'])]),
    ...(isEmpty(Scope) ? [] : ['--scope', text(Scope)]),
    ...(isEmpty(ipamDriver) || ipamDriver === 'default' ? [] : ['--ipam-driver', text(ipamDriver)]),
    ...pairs('--ipam-opt', objectOf(ipamOptions)),
    ...list.flatMap(pool => [...value('--subnet', pool['Subnet']), ...value('--ip-range', pool['IPRange']), ...value('--gateway', pool['Gateway']), ...pairs('--aux-address', objectOf(pool['AuxiliaryAddresses']))]),
    ...pairs('--opt', objectOf(Options)),
    ...pairs('--label', objectOf(Labels)),
    Name,
  ]
}

function value(option: string, given: JsonObject[string]): string[] {
  return isEmpty(given) ? [] : [option, text(given)]
}

function pairs(option: string, values: JsonObject): string[] {
  return Object.entries(values).flatMap(([key, each]) => [option, `${key}=${text(each)}`])
}
