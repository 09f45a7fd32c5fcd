import type { JsonObject } from '../api-types.ts'
import { hasApi } from '../spec/api-version.ts'
import { isEmpty } from '../spec/field-rule.ts'
import { objectOf, stringsOf, text } from '../spec/json-values.ts'
import { isBridgeMode, sharedContainer } from '../spec/network-mode.ts'
import { csvField } from './mount-flag.ts'
import type { Option } from './run-options.ts'
import type { Inexpressible, Subject } from './subject.ts'

type Joined = { readonly mode: string; readonly first: string; readonly endpoints: JsonObject; readonly others: readonly (readonly [string, JsonObject])[] }

function joined({ request, host }: Subject): Joined {
  const mode = text(host['NetworkMode'])
  const endpoints = objectOf(objectOf(request.body['NetworkingConfig'])['EndpointsConfig'])
  const first = isBridgeMode(mode) ? 'bridge' : mode
  return { mode, first, endpoints, others: Object.entries(endpoints).filter(([name]) => name !== first).map(([name, endpoint]) => [name, objectOf(endpoint)]) }
}

/** Options of docker run for the networks that are joined at create. The first one is the container's network mode. */
export function networkOptions(subject: Subject, cannot: Inexpressible): Option[] {
  const { mode, first, endpoints, others } = joined(subject)
  if (isBridgeMode(mode) && isEmpty(endpoints['bridge'])) return []
  if (sharedContainer(mode) !== undefined || mode === 'host' || mode === 'none') return [['--network', mode]]
  const options = firstNetwork(first, objectOf(endpoints[first]), stringsOf(subject.host['Links']))
  return isBridgeMode(mode) ? options : [...options, ...others.map(([name, endpoint]) => ['--network', otherNetwork(name, endpoint, cannot)])]
}

/** Options of their own are older than fields of `--network`. */
function firstNetwork(name: string, endpoint: JsonObject, links: readonly string[]): Option[] {
  const { Aliases, IPAMConfig, DriverOpts, GwPriority, MacAddress, Links } = endpoint
  const { IPv4Address, IPv6Address, LinkLocalIPs } = objectOf(IPAMConfig)
  const fields = [...Object.entries(objectOf(DriverOpts)).map(([key, value]) => `driver-opt=${key}=${text(value)}`), ...(isEmpty(GwPriority) ? [] : [`gw-priority=${text(GwPriority)}`])]
  return [
    ['--network', fields.length === 0 ? name : [`name=${name}`, ...fields].map(csvField).join(',')],
    ...stringsOf(Aliases).map(alias => ['--network-alias', alias]),
    ...(isEmpty(IPv4Address) ? [] : [['--ip', text(IPv4Address)]]),
    ...(isEmpty(IPv6Address) ? [] : [['--ip6', text(IPv6Address)]]),
    ...stringsOf(LinkLocalIPs).map(address => ['--link-local-ip', address]),
    ...(isEmpty(MacAddress) ? [] : [['--mac-address', text(MacAddress)]]),
    ...stringsOf(Links).filter(link => !links.includes(link)).map(link => ['--link', link]),
  ]
}

/** Fields that docker 25 and newer take. */
function otherNetwork(name: string, { Aliases, IPAMConfig, DriverOpts, GwPriority, MacAddress, Links }: JsonObject, cannot: Inexpressible): string {
  const { IPv4Address, IPv6Address, LinkLocalIPs } = objectOf(IPAMConfig)
  if (!isEmpty(Links)) cannot(`NetworkSettings.Networks.${name}.Links: ${stringsOf(Links).join(', ')}`)
  return [
    `name=${name}`,
    ...stringsOf(Aliases).map(alias => `alias=${alias}`),
    ...(isEmpty(IPv4Address) ? [] : [`ip=${text(IPv4Address)}`]),
    ...(isEmpty(IPv6Address) ? [] : [`ip6=${text(IPv6Address)}`]),
    ...stringsOf(LinkLocalIPs).map(address => `link-local-ip=${address}`),
    ...(isEmpty(MacAddress) ? [] : [`mac-address=${text(MacAddress)}`]),
    ...Object.entries(objectOf(DriverOpts)).map(([key, value]) => `driver-opt=${key}=${text(value)}`),
    ...(isEmpty(GwPriority) ? [] : [`gw-priority=${text(GwPriority)}`]),
  ].map(csvField).join(',')
}

/** Commands, as words, between create and start. The docker command joins the default bridge alone. */
export function networkCommands(subject: Subject, cannot: Inexpressible): string[][] {
  const { name, request, record } = subject
  const { mode, others } = joined(subject)
  const connects = [...request.connects.map(({ network, body }) => [network, body.EndpointConfig] as const), ...(isBridgeMode(mode) ? others : [])]
  return [
    ...request.disconnects.map(network => ['docker', 'network', 'disconnect', network, name]),
    ...connects.map(([network, endpoint]) => connect(network, endpoint, name, hasApi(record.engine, '1.48'), cannot)),
  ]
}

function connect(network: string, { Aliases, IPAMConfig, DriverOpts, GwPriority, MacAddress, Links }: JsonObject, container: string, hasPriority: boolean, cannot: Inexpressible): string[] {
  const { IPv4Address, IPv6Address, LinkLocalIPs } = objectOf(IPAMConfig)
  if (!isEmpty(MacAddress)) cannot(`NetworkSettings.Networks.${network}.MacAddress: docker network connect takes none`)
  return [
    'docker', 'network', 'connect',
    ...stringsOf(Aliases).flatMap(alias => ['--alias', alias]),
    ...(isEmpty(IPv4Address) ? [] : ['--ip', text(IPv4Address)]),
    ...(isEmpty(IPv6Address) ? [] : ['--ip6', text(IPv6Address)]),
    ...stringsOf(LinkLocalIPs).flatMap(address => ['--link-local-ip', address]),
    ...stringsOf(Links).flatMap(link => ['--link', link]),
    ...Object.entries(objectOf(DriverOpts)).flatMap(([key, value]) => ['--driver-opt', `${key}=${text(value)}`]),
    ...(isEmpty(GwPriority) || !hasPriority ? [] : ['--gw-priority', text(GwPriority)]),
    network, container,
  ]
}
