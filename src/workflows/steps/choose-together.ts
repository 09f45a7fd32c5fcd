import type { ContainerInspect } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import { findPeer } from '../../engine/spec/peers.ts'
import { peersOf } from '../../engine/spec/record-container.ts'
import { nameOf, type ContainerRecord } from '../../engine/spec/spec-record.ts'
import { DrayError } from '../../errors/dray-error.ts'

const label = { project: 'com.docker.compose.project', service: 'com.docker.compose.service', dependsOn: 'com.docker.compose.depends_on' } as const

/** Ids of the containers that are named, and of all containers of the projects. Throws `not-found` for what is not there. */
export async function chooseContainers(engine: Engine, names: readonly string[], projects: readonly string[], signal: AbortSignal): Promise<string[]> {
  const chosen: string[] = []
  for (const project of projects) {
    const found = await engine.containers.list({ label: [`${label.project}=${project}`] }, { signal })
    if (found.length === 0) throw new DrayError('not-found', `there is no container of a project "${project}" on "${engine.address}"`, { hints: ['docker compose ls -a shows the projects'] })
    chosen.push(...found.map(({ Id }) => Id))
  }
  return [...new Set([...chosen, ...names])]
}

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
export async function dependentsLeftBehind(engine: Engine, chosen: readonly ContainerInspect[], signal: AbortSignal): Promise<{ readonly name: string; readonly of: string; readonly shares: string }[]> {
  const running = await engine.containers.list({ status: ['running', 'paused', 'restarting'] }, { signal })
  const others = await Promise.all(running.filter(({ Id }) => chosen.every(each => each.Id !== Id)).map(({ Id }) => engine.containers.inspect(Id, { signal })))
  return others.flatMap(({ HostConfig, ...inspect }) => ([['NetworkMode', 'network'], ['PidMode', 'processes'], ['IpcMode', 'memory']] as const).flatMap(([field, shares]) => {
    const mode = HostConfig[field]
    const owner = chosen.find(({ Id, Name }) => mode === `container:${Id}` || mode === `container:${Name.slice(1)}`)
    return owner === undefined ? [] : [{ name: nameOf({ HostConfig, ...inspect }), of: nameOf(owner), shares }]
  }))
}
