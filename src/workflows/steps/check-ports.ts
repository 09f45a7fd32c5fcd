import type { JsonObject } from '../../engine/api-types.ts'
import { nameOf, type ContainerRecord } from '../../engine/spec/spec-record.ts'
import type { Obstacles, RunningContainers } from './check-target.ts'

type Published = { readonly protocol: string; readonly ip: string; readonly port: string }

/** Ports that other running containers publish. What other programs hold shows at the start, and is undone then. */
export async function checkPorts({ inspect }: ContainerRecord, running: RunningContainers, obstacles: Obstacles): Promise<void> {
  const wanted = publishedBy(inspect.HostConfig['PortBindings'])
  if (wanted.length === 0) return
  for (const other of await running()) {
    for (const taken of publishedBy(other.NetworkSettings.Ports)) {
      const clash = wanted.find(port => port.protocol === taken.protocol && port.port === taken.port && overlap(port.ip, taken.ip))
      if (clash !== undefined) obstacles.add(`port ${clash.port}/${clash.protocol} is taken by container "${nameOf(other)}"`, `publish another port: --map-port ${clash.port}:OTHER`)
    }
  }
}

function publishedBy(bindings: unknown): Published[] {
  const ports = (bindings ?? {}) as Record<string, JsonObject[] | null>
  return Object.entries(ports).flatMap(([port, each]) => (each ?? []).flatMap(({ HostIp, HostPort }) => (typeof HostPort === 'string' && HostPort !== '' && HostPort !== '0' ? [{ protocol: port.split('/')[1] ?? 'tcp', ip: typeof HostIp === 'string' ? HostIp : '', port: HostPort }] : [])))
}

function overlap(one: string, other: string): boolean {
  const anywhere = ['', '0.0.0.0', '::']
  return one === other || anywhere.includes(one) || anywhere.includes(other)
}
