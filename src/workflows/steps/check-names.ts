import { remapPort } from '../../engine/spec/remap-port.ts'
import { remapPath } from '../../engine/spec/remap-record.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { RestoreOptions, WantedContainer } from '../restore-plan.ts'
import { isHexName } from '../mount-description.ts'
import { isWithin } from './own-places.ts'
import { recordedBinds, recordedPorts, recordedVolumes } from './recorded-names.ts'

/** What is mapped or kept and none of the containers has is a mistake that could cost data: `usage`, with what there is. */
export function checkNames(containers: readonly WantedContainer[], { remaps, keep, makePaths = [] }: Pick<RestoreOptions, 'remaps' | 'keep' | 'makePaths'>, of: 'backup' | 'container'): void {
  const specs = containers.map(({ spec }) => spec)
  const mounts = containers.flatMap(container => container.mounts)
  const volumes = [...new Set(specs.flatMap(recordedVolumes))]
  const binds = [...new Set(specs.flatMap(recordedBinds))]
  const networks = ['bridge', ...specs.flatMap(({ inspect }) => Object.keys(inspect.NetworkSettings.Networks)), ...specs.flatMap(spec => spec.networks.map(({ Name }) => Name))]
  const bindings = specs.flatMap(recordedPorts).map(({ binding }) => binding)
  const ports = bindings.flatMap(({ HostPort }) => (typeof HostPort === 'string' ? [HostPort] : []))
  for (const name of remaps.volumes.keys()) if (!volumes.includes(name)) throw unknown(of, '--map-volume', name, 'volume', volumes)
  for (const path of remaps.binds.keys()) if (!binds.some(bind => isWithin(bind, path.replace(/(.)\/+$/, '$1')))) throw unknown(of, '--map-bind', path, 'bind mount', binds)
  for (const name of remaps.networks.keys()) if (!networks.includes(name)) throw unknown(of, '--map-network', name, 'network', networks)
  for (const [from, to] of remaps.ports) if (!bindings.some(binding => remapPort(binding, new Map([[from, to]])) !== binding)) throw unknown(of, '--map-port', from, 'published port', ports)
  const there = binds.map(path => remapPath(path, remaps.binds))
  for (const path of makePaths) if (!there.includes(path)) throw unknown(of, '--make-path', path, 'bind mount', there)
  const kept = mounts.flatMap(({ described: { source, label, destinations } }) => [source, label, ...destinations.map(({ path }) => path)])
  const wanted = [...remaps.volumes.values(), ...remaps.binds.values()]
  for (const name of keep) if (![...kept, ...wanted].includes(name) && !wanted.some(each => isWithin(name, each))) throw unknown(of, '--keep', name, 'mount', kept)
}

function unknown(of: string, option: string, name: string, kind: string, there: readonly string[]): DrayError {
  // the name of an anonymous volume says nothing: where it is mounted is in the list as well
  const all = [...new Set(there)].filter(each => !isHexName(each) || kind !== 'mount')
  return new DrayError('usage', `${option}: "${name}" names no ${kind} of the ${of}`, { hints: [all.length === 0 ? `it has none` : `it has: ${all.join(', ')}`] })
}
