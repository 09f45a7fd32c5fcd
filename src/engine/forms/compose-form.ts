import { formatYaml } from '../../files/yaml.ts'
import type { JsonObject } from '../api-types.ts'
import { isEmpty } from '../spec/field-rule.ts'
import { objectOf, stringsOf, text } from '../spec/json-values.ts'
import { isBridgeMode, sharedContainer } from '../spec/network-mode.ts'
import type { NetworkCreate } from '../spec/network-request.ts'
import type { VolumeCreate } from '../spec/volume-request.ts'
import { escapedAll, ownKeys, type Service } from './compose-service.ts'
import { mapInFile } from './compose-values.ts'
import type { Form } from './run-form.ts'
import type { Inexpressible, Subject } from './subject.ts'

const ours = 'com.docker.compose.'

type Project = { readonly name: string | undefined; readonly services: ReadonlyMap<string, string>; readonly volumes: ReadonlyMap<string, string> }

/**
 * Containers as a compose file. What compose itself writes (its labels, the names that it makes) is left to compose: containers
 * that come from a project come back as that project's.
 */
export function composeForm(subjects: readonly Subject[]): Form {
  const [only, ...others] = [...new Set(subjects.map(subject => labelOf(subject, 'project')))]
  const volumes = uniqueBy(subjects.flatMap(({ request }) => request.volumes))
  const networks = uniqueBy(subjects.flatMap(({ request }) => request.networks))
  const isOne = others.length === 0 && only !== undefined
  const project: Project = { name: isOne ? only : undefined, services: new Map(subjects.map(subject => [subject.name, serviceName(subject, isOne)])), volumes: new Map(volumes.map(volume => [volume.Name, isOne ? keyOfVolume(volume) : volume.Name])) }
  const gaps: string[] = []
  const services: Record<string, Service> = {}
  const copies = new Map<string, number>()
  for (const subject of subjects) {
    const service = project.services.get(subject.name) ?? subject.name
    copies.set(service, (copies.get(service) ?? 0) + 1)
    const said = (gap: string): void => void gaps.push(`${service}: ${gap}`)
    if (!Object.hasOwn(services, service)) for (const gap of subject.gaps) said(gap)
    services[service] ??= toService(subject, project, said)
  }
  for (const [service, count] of copies) if (count > 1) services[service] = { ...services[service], scale: count }
  const file = {
    ...(project.name === undefined ? {} : { name: project.name }),
    services,
    ...(volumes.length === 0 ? {} : { volumes: Object.fromEntries(volumes.map(volume => [project.volumes.get(volume.Name) ?? volume.Name, topVolume(volume, project)] as const)) }),
    ...(networks.length === 0 ? {} : { networks: Object.fromEntries(networks.map(network => [keyOf(network), topNetwork(network, project)] as const)) }),
  }
  const states = subjects.filter(({ record: { inspect: { State } } }) => State.Status !== 'running' && State.Status !== 'restarting').map(({ name, record: { inspect: { State } } }) => `container "${name}" is ${State.Status}${State.Status === 'exited' ? ` (${State.ExitCode})` : ''}: docker compose up starts it`)
  const comments = [...gaps.map(gap => `not expressible: ${gap}`), ...states].map(line => `# ${line.replaceAll(/[\r\n]+/g, ' ')}\n`)
  return { text: `${comments.join('')}${formatYaml(file)}`, gaps }
}

/** The name that compose knows a service by, else the container's. */
function serviceName(subject: Subject, isOfProject: boolean): string {
  return (isOfProject ? labelOf(subject, 'service') : undefined) ?? subject.name.replaceAll(/[^a-zA-Z0-9._-]/g, '_')
}

function labelOf({ record }: Subject, label: string): string | undefined {
  return record.inspect.Config.Labels?.[`${ours}${label}`]
}

function toService(subject: Subject, project: Project, cannot: Inexpressible): Service {
  const { name, own } = subject
  const service = project.services.get(name) ?? name
  const number = labelOf(subject, 'container-number') ?? '1'
  const isComposeName = project.name !== undefined && [`${project.name}-${service}-${number}`, `${project.name}_${service}_${number}`].includes(name)
  const labels = Object.fromEntries(Object.entries(objectOf(own['Labels'])).filter(([key]) => !key.startsWith(ours)))
  const depends = dependencies(subject, project)
  return {
    ...(isComposeName ? {} : { container_name: name }),
    ...ownKeys(subject, project.volumes, cannot),
    ...(isEmpty(labels) ? {} : { labels: escapedAll(mapInFile(labels)) }),
    ...networking(subject, project, service, cannot),
    ...sharing(subject, project, cannot),
    ...(Object.keys(depends).length === 0 ? {} : { depends_on: depends }),
  }
}

/** A reference to another container: to its service where it is in the file too. */
function peer(reference: string, { services }: Project): string {
  const service = services.get(reference)
  return service === undefined ? `container:${reference}` : `service:${service}`
}

function sharing({ host, request }: Subject, project: Project, cannot: Inexpressible): Service {
  const space = (key: string, value: unknown): Service => {
    const shared = sharedContainer(value)
    return isEmpty(value as JsonObject[string]) ? {} : { [key]: shared === undefined ? value : peer(shared, project) }
  }
  const from = stringsOf(host['VolumesFrom']).map(entry => {
    const [source = '', mode] = entry.split(':')
    const service = project.services.get(source)
    if (service === undefined && mode !== undefined) cannot(`HostConfig.VolumesFrom, Mounts: compose leaves out ":${mode}" for a container that is not in the file`)
    return [...(service === undefined ? ['container', source] : [service]), ...(mode === undefined ? [] : [mode])].join(':')
  })
  const inNetworks = Object.values(endpointsOf(request)).flatMap(({ Links }) => stringsOf(Links))
  const links = [...new Set([...stringsOf(host['Links']), ...inNetworks])].map(link => link.split(':')).map(([target = '', alias = target]) => ({ target, alias, service: project.services.get(target) }))
  return {
    ...space('pid', host['PidMode']),
    ...space('ipc', host['IpcMode']),
    ...(from.length === 0 ? {} : { volumes_from: from }),
    ...(links.some(({ service }) => service !== undefined) ? { links: links.filter(({ service }) => service !== undefined).map(({ service, alias }) => `${service ?? ''}:${alias}`) } : {}),
    ...(links.some(({ service }) => service === undefined) ? { external_links: links.filter(({ service }) => service === undefined).map(({ target, alias }) => `${target}:${alias}`) } : {}),
  }
}

function networking({ host, request, name }: Subject, project: Project, service: string, cannot: Inexpressible): Service {
  const mode = text(host['NetworkMode'])
  const shared = sharedContainer(mode)
  if (shared !== undefined) return { network_mode: peer(shared, project) }
  const endpoints = endpointsOf(request)
  const names = [...new Set([...(isBridgeMode(mode) || mode === 'host' || mode === 'none' ? [] : [mode]), ...Object.keys(endpoints).filter(network => network !== 'bridge')])]
  if (names.length === 0 && request.disconnects.length > 0) cannot('NetworkSettings.Networks: compose has no network that is left after the create')
  if (names.length === 0 && !isEmpty(endpoints['bridge']?.['MacAddress'])) cannot('Config.MacAddress: compose gives it to networks of the file alone')
  if (names.length === 0) return { network_mode: isBridgeMode(mode) ? 'bridge' : mode }
  if (isBridgeMode(mode) && request.disconnects.length === 0) cannot('NetworkSettings.Networks.bridge, HostConfig.NetworkMode, Config.MacAddress: compose joins the default bridge or other networks, not both')
  const own = new Set([service, name])
  const linked = names.filter(network => stringsOf(endpoints[network]?.['Links']).length > 0)
  if (linked.length > 0 && linked.length < names.length) cannot(`${names.filter(network => !linked.includes(network)).map(network => `NetworkSettings.Networks.${network}.Links`).join(', ')}: compose links in every network of a container`)
  if (request.disconnects.length > 0) cannot('NetworkSettings.Networks: compose has no network that is left after the create')
  for (const network of names) if (![...own].every(alias => stringsOf(endpoints[network]?.['Aliases']).includes(alias))) cannot(`NetworkSettings.Networks.${network}.Aliases: compose adds the names of the service and of the container`)
  for (const network of names) if (!isEmpty(endpoints[network]?.['DriverOpts'])) cannot(`NetworkSettings.Networks.${network}.DriverOpts: compose before 2.27.1 leaves out driver_opts here`)
  for (const network of names) if (!isEmpty(endpoints[network]?.['GwPriority'])) cannot(`NetworkSettings.Networks.${network}.GwPriority: compose before 2.33.1 leaves out gw_priority`)
  if (!isEmpty(request.body['MacAddress'])) cannot('Config.MacAddress: compose leaves it out in own networks of engines before API 1.44')
  const keys = names.map(network => keyOf(networkOf(network, request.networks)))
  const isFirstByName = keys.every(key => (keys[0] ?? '') <= key)
  return { networks: Object.fromEntries(names.map((network, at) => [keys[at], endpointKeys(endpoints[network] ?? {}, own, at === 0 && !isFirstByName)])) }
}

/** All that it is connected to, at create or later. */
function endpointsOf({ body, connects }: Subject['request']): Record<string, JsonObject> {
  const atCreate = objectOf(objectOf(body['NetworkingConfig'])['EndpointsConfig'])
  return Object.fromEntries([...Object.entries(atCreate).map(([network, endpoint]) => [network, objectOf(endpoint)] as const), ...connects.map(({ network, body: { EndpointConfig } }) => [network, EndpointConfig] as const)])
}

function networkOf(name: string, networks: readonly NetworkCreate[]): NetworkCreate {
  return networks.find(({ Name }) => Name === name) ?? { Name: name }
}

/**
 * Null, which is "as usual", for a network without wishes. compose gives the service's and the container's name as aliases by itself.
 * `isFirst`: it is the network mode, which otherwise is the first one by name.
 */
function endpointKeys({ Aliases, IPAMConfig, DriverOpts, GwPriority, MacAddress }: JsonObject, own: ReadonlySet<string>, isFirst: boolean): object | null {
  const { IPv4Address, IPv6Address, LinkLocalIPs } = objectOf(IPAMConfig)
  const aliases = stringsOf(Aliases).filter(alias => !own.has(alias))
  const keys = {
    ...(isFirst ? { priority: 1 } : {}),
    ...(aliases.length === 0 ? {} : { aliases }),
    ...(isEmpty(IPv4Address) ? {} : { ipv4_address: IPv4Address }),
    ...(isEmpty(IPv6Address) ? {} : { ipv6_address: IPv6Address }),
    ...(isEmpty(LinkLocalIPs) ? {} : { link_local_ips: LinkLocalIPs }),
    ...(isEmpty(MacAddress) ? {} : { mac_address: MacAddress }),
    ...(isEmpty(DriverOpts) ? {} : { driver_opts: DriverOpts }),
    ...(isEmpty(GwPriority) ? {} : { gw_priority: GwPriority }),
  }
  return Object.keys(keys).length === 0 ? null : escapedAll(keys)
}

/** From the label of compose: "db:service_healthy:false,cache:service_started:true". */
function dependencies(subject: Subject, { services }: Project): Record<string, object> {
  const known = new Set(services.values())
  const listed = (labelOf(subject, 'depends_on') ?? '').split(',').filter(each => each !== '').map(each => each.split(':'))
  return Object.fromEntries(listed.flatMap(([service = '', condition = 'service_started', restart]) => (known.has(service) ? [[service, { condition, ...(restart === 'true' ? { restart: true } : {}) }]] : [])))
}

function keyOfVolume({ Name, Labels }: VolumeCreate): string {
  return Labels?.[`${ours}volume`] ?? Name
}

function topVolume(volume: VolumeCreate, project: Project): object | null {
  const { Name, Driver, DriverOpts, Labels } = volume
  const labels = foreign(Labels ?? {})
  const keys = { ...(project.name !== undefined && Name === `${project.name}_${keyOfVolume(volume)}` ? {} : { name: Name }), ...(Driver === 'local' ? {} : { driver: Driver }), ...(isEmpty(DriverOpts) ? {} : { driver_opts: DriverOpts }), ...(isEmpty(labels) ? {} : { labels: mapInFile(labels) }) }
  return Object.keys(keys).length === 0 ? null : escapedAll(keys)
}

/** The key that compose knows a network by, else its name. */
function keyOf({ Name, Labels }: NetworkCreate): string {
  return text(objectOf(Labels)[`${ours}network`]) || Name
}

function topNetwork(network: NetworkCreate, { name }: Project): object | null {
  const { Name, Driver, Internal, Attachable, EnableIPv4, EnableIPv6, IPAM, Options, Labels } = network
  const { Driver: ipamDriver, Options: ipamOptions, Config } = objectOf(IPAM)
  const pools = Array.isArray(Config) ? Config.map(objectOf).map(({ Subnet, Gateway, IPRange, AuxiliaryAddresses }) => ({ ...(isEmpty(Subnet) ? {} : { subnet: Subnet }), ...(isEmpty(Gateway) ? {} : { gateway: Gateway }), ...(isEmpty(IPRange) ? {} : { ip_range: IPRange }), ...(isEmpty(AuxiliaryAddresses) ? {} : { aux_addresses: AuxiliaryAddresses }) })) : []
  const ipam = { ...(isEmpty(ipamDriver) || ipamDriver === 'default' ? {} : { driver: ipamDriver }), ...(isEmpty(ipamOptions) ? {} : { options: ipamOptions }), ...(pools.length === 0 ? {} : { config: pools }) }
  const labels = foreign(objectOf(Labels))
  const keys = {
    ...(name !== undefined && Name === `${name}_${keyOf(network)}` ? {} : { name: Name }),
    ...(isEmpty(Driver) || Driver === 'bridge' ? {} : { driver: Driver }),
    ...(Internal === true ? { internal: true } : {}),
    ...(Attachable === true ? { attachable: true } : {}),
    ...(EnableIPv4 === false ? { enable_ipv4: false } : {}),
    ...(EnableIPv6 === true ? { enable_ipv6: true } : {}),
    ...(Object.keys(ipam).length === 0 ? {} : { ipam }),
    ...(isEmpty(Options) ? {} : { driver_opts: Options }),
    ...(isEmpty(labels) ? {} : { labels: mapInFile(labels) }),
  }
  return Object.keys(keys).length === 0 ? null : escapedAll(keys)
}

function foreign(labels: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !key.startsWith(ours)))
}

function uniqueBy<T extends { readonly Name: string }>(all: readonly T[]): T[] {
  return [...new Map(all.map(each => [each.Name, each])).values()]
}
