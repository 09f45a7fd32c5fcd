import { remapPort } from '../../engine/spec/remap-port.ts'
import { remapPath, type Remaps } from '../../engine/spec/remap-record.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { nameOf } from '../../engine/spec/spec-record.ts'
import { optionsFor, type RestoreOptions, type WantedContainer } from '../restore-plan.ts'
import { isHexName } from '../mount-description.ts'
import { isWithin } from './own-places.ts'
import { recordedBinds, recordedPorts, recordedVolumes } from './recorded-names.ts'

/** The names that a restore goes by: for each container apart where each has its own. */
export function checkNamesOfBackups(containers: readonly WantedContainer[], options: RestoreOptions): void {
  if (options.single === undefined) checkNames(containers, options, 'backup')
  else for (const container of containers) checkNames([container], optionsFor(options, nameOf(container.spec.inspect)), 'backup')
}

/** What is mapped or kept and none of the containers has is a mistake that could cost data: `usage`, with what there is. */
export function checkNames(containers: readonly WantedContainer[], { remaps, keep, makePaths = [], named }: Pick<RestoreOptions, 'remaps' | 'keep' | 'makePaths' | 'named'>, of: 'backup' | 'container'): void {
  const specs = containers.map(({ spec }) => spec)
  const mounts = containers.flatMap(container => container.mounts)
  const volumes = [...new Set(specs.flatMap(recordedVolumes))]
  const binds = [...new Set(specs.flatMap(recordedBinds))]
  const networks = ['bridge', ...specs.flatMap(({ inspect }) => Object.keys(inspect.NetworkSettings.Networks)), ...specs.flatMap(spec => spec.networks.map(({ Name }) => Name))]
  const bindings = specs.flatMap(recordedPorts).map(({ binding }) => binding)
  const ports = bindings.flatMap(({ HostPort }) => (typeof HostPort === 'string' ? [HostPort] : []))
  const namesOf = (kind: keyof Remaps, option: string): Iterable<readonly [string, string]> => named?.[kind] ?? [...remaps[kind].keys()].map(name => [name, option] as const)
  for (const [name, where] of namesOf('volumes', '--map-volume')) if (!volumes.includes(name)) throw unknown(of, where, name, 'volume', volumes)
  for (const [path, where] of namesOf('binds', '--map-bind')) if (!binds.some(bind => isWithin(bind, path.replace(/(.)\/+$/, '$1')))) throw unknown(of, where, path, 'bind mount', binds)
  for (const [name, where] of namesOf('networks', '--map-network')) if (!networks.includes(name)) throw unknown(of, where, name, 'network', networks)
  for (const [port, where] of namesOf('ports', '--map-port')) if (!bindings.some(binding => remapPort(binding, new Map([[port, port]])) !== binding)) throw unknown(of, where, port, 'published port', ports)
  const there = binds.map(path => remapPath(path, remaps.binds))
  for (const path of makePaths) if (!there.includes(path)) throw unknown(of, '--make-path', path, 'bind mount', there)
  const kept = mounts.flatMap(({ described: { source, label, destinations } }) => [source, label, ...destinations.map(({ path }) => path)])
  const wanted = [...remaps.volumes.values(), ...remaps.binds.values()]
  for (const name of keep) if (![...kept, ...wanted].includes(name) && !wanted.some(each => isWithin(name, each))) throw unknown(of, named?.volumes.get(name) ?? named?.binds.get(name) ?? '--keep', name, 'mount', kept)
}

/** `where`: the option, or the place in a file. */
function unknown(of: string, where: string, name: string, kind: string, there: readonly string[]): DrayError {
  // the name of an anonymous volume says nothing: where it is mounted is in the list as well
  const all = [...new Set(there)].filter(each => !isHexName(each) || kind !== 'mount')
  return new DrayError('usage', `${where}: "${name}" names no ${kind} of the ${of}`, { hints: [all.length === 0 ? `it has none` : `it has: ${all.join(', ')}`] })
}
