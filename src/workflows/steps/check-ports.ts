import type { ContainerInspect, JsonObject } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import { nameOf, type ContainerRecord } from '../../engine/spec/spec-record.ts'
import { readHostSockets } from '../../mounts/host-sockets.ts'
import type { TemporaryJournal } from '../run.ts'
import type { Obstacles } from '../obstacles.ts'
import type { RunningContainers } from './check-target.ts'

type Published = { readonly protocol: string; readonly ip: string; readonly port: string }

export type PortsJob = { readonly engine: Engine; readonly run: { readonly id: string; readonly signal: AbortSignal }; readonly temporary: TemporaryJournal }

type Others = { readonly running: RunningContainers; readonly replacing: readonly ContainerInspect[] }

/** Ports that other running containers publish, or other programs of the host have. What cannot be seen shows at the start, and is undone then. */
export async function checkPorts({ engine, run, temporary }: PortsJob, { inspect }: ContainerRecord, { running, replacing }: Others, obstacles: Obstacles): Promise<void> {
  const wanted = publishedBy(inspect.HostConfig['PortBindings'])
  if (wanted.length === 0) return
  const everTaken = new Set(wanted.map(nameOfPort))
  const found: { readonly text: string; readonly hint: string; readonly port: Published }[] = []
  const ofContainers = new Set(replacing.flatMap(each => publishedBy(each.NetworkSettings.Ports)).map(nameOfPort))
  for (const other of await running()) {
    for (const taken of publishedBy(other.NetworkSettings.Ports)) {
      ofContainers.add(nameOfPort(taken))
      const clash = wanted.find(port => port.protocol === taken.protocol && port.port === taken.port && overlap(port.ip, taken.ip))
      if (clash !== undefined) found.push({ text: `port ${clash.port}/${clash.protocol} is taken by container "${nameOf(other)}"`, hint: `publish another port: --map-port ${clash.port}:OTHER, or none: --map-port ${clash.port}:none`, port: clash })
    }
  }
  const sockets = (await readHostSockets({ engine, run: run.id, journal: temporary }, run.signal)) ?? []
  const ofHost = sockets.map(({ protocol, ip, port }) => ({ protocol, ip, port: String(port) })).filter(taken => !ofContainers.has(nameOfPort(taken)))
  for (const port of wanted) {
    if (ofHost.some(taken => port.protocol === taken.protocol && port.port === taken.port && overlap(port.ip, taken.ip))) found.push({ text: `port ${nameOfPort(port)} is taken by a program of the host`, hint: `stop that program, publish another port: --map-port ${port.port}:OTHER, or none: --map-port ${port.port}:none`, port })
  }
  for (const each of [...ofContainers, ...sockets.map(({ protocol, port }) => `${port}/${protocol}`)]) everTaken.add(each)
  for (const { text, hint, port } of found) obstacles.add(text, hint, { kind: 'port', port: port.port, free: nextFree(port, everTaken) })
}

/** The first one above that nothing known has, at whatever address. */
function nextFree({ port, protocol }: Published, taken: ReadonlySet<string>): string {
  let free = Number.parseInt(port, 10) + 1
  while (taken.has(`${free}/${protocol}`)) free++
  return String(free)
}

function nameOfPort({ port, protocol }: Published): string {
  return `${port}/${protocol}`
}

function publishedBy(bindings: unknown): Published[] {
  const ports = (bindings ?? {}) as Record<string, JsonObject[] | null>
  return Object.entries(ports).flatMap(([port, each]) => (each ?? []).flatMap(({ HostIp, HostPort }) => (typeof HostPort === 'string' && HostPort !== '' && HostPort !== '0' ? [{ protocol: port.split('/')[1] ?? 'tcp', ip: typeof HostIp === 'string' ? HostIp : '', port: HostPort }] : [])))
}

function overlap(one: string, other: string): boolean {
  const anywhere = ['', '0.0.0.0', '::']
  return one === other || anywhere.includes(one) || anywhere.includes(other)
}
