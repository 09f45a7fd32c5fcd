import type { JsonObject } from '../../engine/api-types.ts'
import { stringsOf } from '../../engine/spec/json-values.ts'
import { parseLink } from '../../engine/spec/links.ts'
import { isPredefined, sharedContainer } from '../../engine/spec/network-mode.ts'
import { findPeer } from '../../engine/spec/peers.ts'
import { nameOf, type ContainerRecord } from '../../engine/spec/spec-record.ts'
import type { StoredContainer, StoredMount } from '../restore-plan.ts'

/** Where a mount's data goes in the copy: into a volume of its own; a file into a volume that holds nothing else. `isFirst`: nobody before it has the same volume. */
export type IsolatedMount = { readonly stored: StoredMount; readonly volume: string; readonly file?: string; readonly isFirst: boolean }

export type IsolatedCopy = {
  readonly name: string
  /** The internal networks that it joins, each with its aliases; none for `container:` and `none`. */
  readonly networks: ReadonlyMap<string, readonly string[]>
  /** Network mode, and the other namespaces that it may share with another copy, as `container:NAME` or its own. */
  readonly modes: { readonly NetworkMode: string; readonly PidMode: string; readonly IpcMode: string }
  /** The copies that it refers to, by the recorded ids. */
  readonly peers: readonly { readonly id: string; readonly name: string }[]
  readonly mounts: readonly IsolatedMount[]
  /** What the copy is not given, and why. */
  readonly notes: readonly string[]
}

/** Of the machine as a whole: a copy with them could disturb what runs there. */
const ofTheMachine = new Set(['ALL', 'SYS_TIME', 'SYS_MODULE', 'SYS_RAWIO', 'SYS_BOOT'])

export function isOfTheMachine(name: string): boolean {
  return ofTheMachine.has(name.toUpperCase().replace(/^CAP_/, ''))
}

/**
 * Names for copies that meet each other as the recorded containers did, and nothing else of the user's: each of their networks
 * becomes an internal one, volumes that they share are shared.
 */
export function planIsolation(group: readonly StoredContainer[], run: string): IsolatedCopy[] {
  const prefix = `drayage-${run}`
  const names = new Map(group.map(({ spec }) => [nameOf(spec.inspect), `${prefix}-${nameOf(spec.inspect)}`]))
  const networks = named(group.flatMap(({ spec }) => ownNetworks(spec)), at => `${prefix}-net${at === 0 ? '' : at + 1}`)
  const volumes = named(group.flatMap(({ mounts }) => mounts.map(keyOf)), at => `${prefix}-m${at + 1}`)
  const written = new Set<string>()
  return group.map(({ spec, mounts }) => {
    const name = nameOf(spec.inspect)
    const modes = modesOf(spec, names, networks, `${prefix}-net`)
    return {
      name: names.get(name) ?? '',
      networks: modes.NetworkMode === 'none' || sharedContainer(modes.NetworkMode) !== undefined ? new Map() : new Map(joinedBy(spec, networks, modes.NetworkMode).map(([recorded, copy]) => [copy, aliasesOf(group, spec, recorded)])),
      modes,
      peers: spec.peers.flatMap(peer => (names.get(peer.name) === undefined ? [] : [{ id: peer.id, name: names.get(peer.name) ?? '' }])),
      mounts: mounts.map(stored => {
        const volume = volumes.get(keyOf(stored)) ?? ''
        const isFirst = !written.has(volume)
        written.add(volume)
        return { stored, volume, isFirst, ...(stored.described.kind === 'file' ? { file: stored.described.source.replace(/^.*\//, '') } : {}) }
      }),
      notes: notesOf(spec, names),
    }
  })
}

function named(things: readonly string[], nameAt: (at: number) => string): Map<string, string> {
  return new Map([...new Set(things)].map((thing, at) => [thing, nameAt(at)]))
}

function keyOf({ described: { kind, source } }: StoredMount): string {
  return `${kind} ${source}`
}

function ownNetworks({ inspect }: ContainerRecord): string[] {
  return Object.keys(inspect.NetworkSettings.Networks).filter(network => !isPredefined(network))
}

/** Its own networks, that of its mode first; what was in none of its own, or in the host's, gets the usual one. */
function joinedBy(spec: ContainerRecord, networks: ReadonlyMap<string, string>, mode: string): (readonly [recorded: string | undefined, copy: string])[] {
  const own = ownNetworks(spec).map(network => [network, networks.get(network) ?? mode] as const)
  if (own.length === 0) return [[undefined, mode]]
  return [...own.filter(([, copy]) => copy === mode), ...own.filter(([, copy]) => copy !== mode)]
}

function modesOf(spec: ContainerRecord, names: ReadonlyMap<string, string>, networks: ReadonlyMap<string, string>, usual: string): IsolatedCopy['modes'] {
  const { HostConfig: host } = spec.inspect
  const shared = (mode: unknown, own: string): string => {
    const peer = sharedContainer(mode)
    const copy = peer === undefined ? undefined : names.get(findPeer(spec, peer)?.name ?? peer)
    if (copy !== undefined) return `container:${copy}`
    return typeof mode === 'string' && mode !== 'host' && peer === undefined ? mode : own
  }
  const network = shared(host.NetworkMode, '')
  const own = ownNetworks(spec)
  return {
    NetworkMode: network === 'none' || sharedContainer(network) !== undefined ? network : networks.get(own.find(each => each === network) ?? own[0] ?? '') ?? usual,
    PidMode: shared(host['PidMode'], ''),
    IpcMode: shared(host['IpcMode'], 'private'),
  }
}

/** Its aliases in one network, its name, and what those that link to it call it. */
function aliasesOf(group: readonly StoredContainer[], { inspect }: ContainerRecord, network: string | undefined): string[] {
  const recorded = network === undefined ? Object.values(inspect.NetworkSettings.Networks) : [inspect.NetworkSettings.Networks[network] ?? {}]
  const links = group.flatMap(({ spec }) => linksOf(spec).flatMap(({ target, alias }) => ((findPeer(spec, target)?.name ?? target) === nameOf(inspect) ? [alias] : [])))
  const aliases = recorded.flatMap(({ Aliases }) => stringsOf(Aliases)).filter(alias => alias !== inspect.Id.slice(0, 12))
  return [...new Set([...aliases, nameOf(inspect), ...links])]
}

function linksOf({ inspect }: ContainerRecord): { readonly target: string; readonly alias: string }[] {
  return [inspect.HostConfig['Links'], ...Object.values(inspect.NetworkSettings.Networks).map(({ Links }) => Links)].flatMap(links => stringsOf(links)).map(parseLink)
}

function notesOf(spec: StoredContainer['spec'], names: ReadonlyMap<string, string>): string[] {
  const { inspect } = spec
  const host = inspect.HostConfig as JsonObject
  const given = (what: string, is: boolean): string[] => (is ? [what] : [])
  const isElsewhere = (reference: string): boolean => !names.has(findPeer(spec, reference)?.name ?? reference)
  const isOfOther = (mode: unknown): boolean => mode === 'host' || (sharedContainer(mode) !== undefined && isElsewhere(sharedContainer(mode) ?? ''))
  const addresses = Object.values(inspect.NetworkSettings.Networks).flatMap(({ IPAMConfig }) => [IPAMConfig?.IPv4Address, IPAMConfig?.IPv6Address]).filter(address => address !== undefined && address !== '')
  return [
    ...spec.leftOut.filter(({ source }) => source !== 'tmpfs').map(({ destination, source, reason }) => `without ${source} at ${destination}, which the backup does not hold (${reason})`),
    ...given('not privileged, as the recorded one is', host['Privileged'] === true),
    ...given('without the devices of the host', Array.isArray(host['Devices']) && host['Devices'].length > 0),
    ...stringsOf(host['CapAdd']).filter(isOfTheMachine).map(name => `without the capability ${name}`),
    ...(['NetworkMode', 'PidMode', 'IpcMode', 'UTSMode'] as const).flatMap(field => given(`${field} is its own, not ${JSON.stringify(host[field])}`, isOfOther(host[field]))),
    ...given('without its links to other containers', linksOf(spec).some(({ target }) => isElsewhere(target))),
    ...given(`with another address than ${addresses.join(', ')}`, addresses.length > 0),
  ]
}
