import type { JsonObject } from '../../engine/api-types.ts'
import type { ContainerRecord } from '../../engine/spec/spec-record.ts'

/** What of a recorded container can have another name on a target. */
export function recordedVolumes({ inspect, volumes }: ContainerRecord): string[] {
  return [...new Set([...inspect.Mounts.flatMap(({ Type, Name }) => (Type === 'volume' && Name !== undefined ? [Name] : [])), ...volumes.map(({ Name }) => Name)])]
}

/** Paths of the host, also those that a volume mounts. */
export function recordedBinds({ inspect, volumes }: ContainerRecord): string[] {
  return [...new Set([...inspect.Mounts.flatMap(({ Type, Source }) => (Type === 'bind' ? [Source] : [])), ...volumes.flatMap(({ Options }) => (Options?.['device'] === undefined ? [] : [Options['device']]))])]
}

/** Those that the container is in, but for the host's own and none. */
export function recordedNetworks({ inspect }: ContainerRecord): string[] {
  return Object.keys(inspect.NetworkSettings.Networks).filter(name => name !== 'host' && name !== 'none')
}

export type RecordedPort = { /** As in `80/tcp`. */ readonly inside: string; readonly binding: JsonObject }

/** Published at a port of the host that somebody chose. */
export function recordedPorts({ inspect }: ContainerRecord): RecordedPort[] {
  const bindings = (inspect.HostConfig['PortBindings'] ?? {}) as Record<string, JsonObject[] | null>
  return Object.entries(bindings).flatMap(([inside, each]) => (each ?? []).filter(({ HostPort }) => typeof HostPort === 'string' && HostPort !== '').map(binding => ({ inside, binding })))
}
