import type { ContainerInspect, JsonObject } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import { nameOf, type ContainerRecord } from '../../engine/spec/spec-record.ts'
import { readHostSockets } from '../../mounts/host-sockets.ts'
import type { TemporaryJournal } from '../run.ts'
import type { Obstacles, RunningContainers } from './check-target.ts'

type Published = { readonly protocol: string; readonly ip: string; readonly port: string }

export type PortsJob = { readonly engine: Engine; readonly run: { readonly id: string; readonly signal: AbortSignal }; readonly temporary: TemporaryJournal }

type Others = { readonly running: RunningContainers; readonly replacing: readonly ContainerInspect[] }

/** Ports that other running containers publish, or other programs of the host have. What cannot be seen shows at the start, and is undone then. */
export async function checkPorts({ engine, run, temporary }: PortsJob, { inspect }: ContainerRecord, { running, replacing }: Others, obstacles: Obstacles): Promise<void> {
  const wanted = publishedBy(inspect.HostConfig['PortBindings'])
  if (wanted.length === 0) return
  const ofContainers = new Set(replacing.flatMap(each => publishedBy(each.NetworkSettings.Ports)).map(nameOfPort))
  for (const other of await running()) {
    for (const taken of publishedBy(other.NetworkSettings.Ports)) {
      ofContainers.add(nameOfPort(taken))
      const clash = wanted.find(port => port.protocol === taken.protocol && port.port === taken.port && overlap(port.ip, taken.ip))
      if (clash !== undefined) obstacles.add(`port ${clash.port}/${clash.protocol} is taken by container "${nameOf(other)}"`, `publish another port: --map-port ${clash.port}:OTHER`)
    }
  }
  const sockets = (await readHostSockets({ engine, run: run.id, journal: temporary }, run.signal)) ?? []
  const ofHost = sockets.map(({ protocol, ip, port }) => ({ protocol, ip, port: String(port) })).filter(taken => !ofContainers.has(nameOfPort(taken)))
  for (const port of wanted) {
    if (ofHost.some(taken => port.protocol === taken.protocol && port.port === taken.port && overlap(port.ip, taken.ip))) obstacles.add(`port ${nameOfPort(port)} is taken by a program of the host`, `stop that program, or publish another port: --map-port ${port.port}:OTHER`)
  }
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
