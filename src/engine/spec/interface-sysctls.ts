import type { Json } from '../api-types.ts'
import { objectOf } from './json-values.ts'

/** The driver option that carries the sysctls of an endpoint's interface, whose name is written IFNAME there. */
const option = 'com.docker.network.endpoint.sysctls'
const ofFirstInterface = /^(net\.(?:ipv4|ipv6|mpls)\.(?:conf|neigh))\.eth0\.(.+)$/

/** Takes the sysctls of eth0 out of HostConfig.Sysctls: API 1.48 refuses them there. */
export function splitSysctls(value: Json | undefined): { readonly others: Record<string, Json | undefined>; readonly ofInterface: readonly string[] } {
  const others: Record<string, Json | undefined> = {}
  const ofInterface: string[] = []
  for (const [name, setting] of Object.entries(objectOf(value))) {
    const parts = ofFirstInterface.exec(name)
    if (parts === null) others[name] = setting
    else ofInterface.push(`${parts[1] ?? ''}.IFNAME.${parts[2] ?? ''}=${typeof setting === 'string' ? setting : JSON.stringify(setting)}`)
  }
  return { others, ofInterface }
}

/** Adds them to the driver options of the endpoint that becomes eth0. */
export function withSysctls(driverOptions: Json | undefined, ofInterface: readonly string[]): Json | undefined {
  if (ofInterface.length === 0) return driverOptions
  const options = objectOf(driverOptions)
  const before = typeof options[option] === 'string' && options[option] !== '' ? [options[option]] : []
  return { ...options, [option]: [...before, ...ofInterface].join(',') }
}
