import { sharedContainer } from '../../engine/spec/network-mode.ts'
import type { ContainerRecord } from '../../engine/spec/spec-record.ts'

/**
 * What `docker compose up -d` would do otherwise on the target. Compose up to version 2 puts the id of a container that another one
 * refers to ("network_mode: service:web") into the hash of its configuration, and no engine gives the same id again.
 */
export function composeNotes({ inspect: { Config, HostConfig } }: Pick<ContainerRecord, 'inspect'>): string[] {
  const refersToId = [HostConfig.NetworkMode, HostConfig['PidMode'], HostConfig['IpcMode']].some(mode => sharedContainer(mode) !== undefined) || (Array.isArray(HostConfig['VolumesFrom']) && HostConfig['VolumesFrom'].length > 0)
  if (Config.Labels?.['com.docker.compose.config-hash'] === undefined || !refersToId) return []
  return ['"docker compose up -d" may create this container anew: it refers to another one, which has another id here']
}
