import { DrayError } from '../../errors/dray-error.ts'
import { didYouMean } from '../../errors/similar-name.ts'
import type { ContainerInspect, NetworkInspect } from '../api-types.ts'
import type { CallOptions, Engine } from '../engine.ts'
import { stringsOf } from './json-values.ts'
import { parseLink } from './links.ts'
import { networkOfMode, sharedContainer } from './network-mode.ts'
import { unlessMissing } from '../unless-missing.ts'
import { nameOf, type ContainerRecord, type Peer } from './spec-record.ts'

/**
 * Asks the engine for everything that a spec consists of. What the container names but the engine no longer has (its image,
 * a network, a volume, a container it shares something with) is left out; only a missing container is an error.
 */
export async function recordContainer(engine: Engine, id: string, options?: CallOptions): Promise<ContainerRecord> {
  const inspect = await inspectContainer(engine, id, options)
  const image = await unlessMissing(engine.images.inspect(inspect.Image, options))
  const networkNames = new Set([...Object.keys(inspect.NetworkSettings.Networks), ...networkOfMode(inspect.HostConfig.NetworkMode)])
  const volumeNames = new Set(inspect.Mounts.flatMap(mount => (mount.Type === 'volume' && mount.Name !== undefined ? [mount.Name] : [])))
  return {
    inspect,
    ...(image === undefined ? {} : { image }),
    networks: uniqueById(await present([...networkNames], name => engine.networks.inspect(name, options))),
    volumes: await present([...volumeNames], name => engine.volumes.inspect(name, options)),
    peers: await present(peersOf(inspect), name => readPeer(engine, name, options)),
    engine: engine.facts,
  }
}

async function inspectContainer(engine: Engine, id: string, options?: CallOptions): Promise<ContainerInspect> {
  try {
    return await engine.containers.inspect(id, options)
  } catch (thrown) {
    if (!(thrown instanceof DrayError && thrown.code === 'not-found')) throw thrown
    const names = (await engine.containers.list({}, options)).flatMap(({ Names }) => Names.map(name => name.slice(1)))
    throw noContainer(engine, id, names, thrown)
  }
}

/** `not-found`; a name of those that are there that was probably meant is in a hint. */
export function noContainer({ address }: Pick<Engine, 'address'>, wanted: string, names: readonly string[], cause?: unknown): DrayError {
  return new DrayError('not-found', `there is no container "${wanted}" on "${address}"`, { hints: [...didYouMean(wanted, names), 'docker ps -a shows the containers'], cause })
}

/** The containers that a spec refers to, by id or name as the engine wrote it. */
export function peersOf({ HostConfig: host, NetworkSettings: { Networks: networks } }: ContainerInspect): string[] {
  const modes = [host.NetworkMode, host['PidMode'], host['IpcMode']].flatMap(mode => sharedContainer(mode) ?? [])
  const sources = stringsOf(host['VolumesFrom']).map(each => each.replace(/:[^:]*$/, ''))
  const links = [host['Links'], ...Object.values(networks).map(endpoint => endpoint.Links)].flatMap(each => stringsOf(each)).map(each => parseLink(each).target)
  return [...new Set([...modes, ...sources, ...links])]
}

async function readPeer(engine: Engine, name: string, options?: CallOptions): Promise<Peer> {
  const inspect = await engine.containers.inspect(name, options)
  return { id: inspect.Id, name: nameOf(inspect), mounts: inspect.Mounts }
}

/** A container made with a network's id names it twice: by id and by name. */
function uniqueById(networks: readonly NetworkInspect[]): NetworkInspect[] {
  return [...new Map(networks.map(network => [network.Id, network])).values()]
}

async function present<T>(names: readonly string[], read: (name: string) => Promise<T>): Promise<T[]> {
  const found = await Promise.all(names.map(name => unlessMissing(read(name))))
  return found.filter(each => each !== undefined)
}
