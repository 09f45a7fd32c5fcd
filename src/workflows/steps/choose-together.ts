import type { ContainerInspect } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import { findPeer } from '../../engine/spec/peers.ts'
import { peersOf } from '../../engine/spec/record-container.ts'
import { nameOf, type ContainerRecord } from '../../engine/spec/spec-record.ts'
import { projectLabel } from './choose-containers.ts'

const label = { project: projectLabel, service: 'com.docker.compose.service', dependsOn: 'com.docker.compose.depends_on' } as const

/** Each after those it needs: by depends_on of its project, links, volumes-from, and namespaces that it shares. In a circle the given order counts. */
export function inOrder<Each extends { readonly spec: ContainerRecord }>(containers: readonly Each[]): Each[] {
  const ordered: Each[] = []
  const visiting = new Set<Each>()
  const visit = (each: Each): void => {
    if (visiting.has(each)) return
    visiting.add(each)
    for (const needed of neededBy(each, containers)) visit(needed)
    ordered.push(each)
  }
  for (const each of containers) visit(each)
  return ordered
}

/** In waves: each container in a later one than those it needs; what stands in a circle goes by the given order. */
export function inWaves<Each extends { readonly spec: ContainerRecord }>(containers: readonly Each[]): Each[][] {
  const waveOf = new Map<Each, number>()
  for (const each of inOrder(containers)) waveOf.set(each, 1 + Math.max(-1, ...neededBy(each, containers).flatMap(needed => waveOf.get(needed) ?? [])))
  const waves: Each[][] = []
  for (const [each, wave] of waveOf) waves[wave] = [...(waves[wave] ?? []), each]
  return waves
}

/** Those of the others that a container needs to work. */
export function neededBy<Each extends { readonly spec: ContainerRecord }>({ spec }: Each, others: readonly Each[]): Each[] {
  const peers = new Set(peersOf(spec.inspect).map(reference => findPeer(spec, reference)?.name ?? reference))
  const labels = spec.inspect.Config.Labels ?? {}
  const services = new Set((labels[label.dependsOn] ?? '').split(',').map(each => each.split(':')[0]).filter(each => each !== ''))
  return others.filter(({ spec: other }) => {
    const theirs = other.inspect.Config.Labels ?? {}
    const isService = theirs[label.project] === labels[label.project] && services.has(theirs[label.service] ?? '')
    return other !== spec && (peers.has(nameOf(other.inspect)) || isService)
  })
}

/** Containers that run and are not chosen, in the network, process or memory namespace of one that is: they break when it stops. */
export async function dependentsLeftBehind(engine: Engine, chosen: readonly ContainerInspect[], signal: AbortSignal): Promise<{ readonly id: string; readonly name: string; readonly of: string; readonly shares: string }[]> {
  if (chosen.length === 0) return []
  const running = await engine.containers.list({ status: ['running', 'paused', 'restarting'] }, { signal })
  const others = await Promise.all(running.filter(({ Id }) => chosen.every(each => each.Id !== Id)).map(({ Id }) => engine.containers.inspect(Id, { signal })))
  return others.flatMap(({ HostConfig, ...inspect }) => ([['NetworkMode', 'network'], ['PidMode', 'processes'], ['IpcMode', 'memory']] as const).flatMap(([field, shares]) => {
    const mode = HostConfig[field]
    const owner = chosen.find(({ Id, Name }) => mode === `container:${Id}` || mode === `container:${Name.slice(1)}`)
    return owner === undefined ? [] : [{ id: inspect.Id, name: nameOf({ HostConfig, ...inspect }), of: nameOf(owner), shares }]
  }))
}
