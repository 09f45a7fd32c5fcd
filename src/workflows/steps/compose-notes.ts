import { configHashLabel, hashedText } from '../../engine/compose/config-hash.ts'
import { sharedContainer } from '../../engine/spec/network-mode.ts'
import type { ContainerRecord } from '../../engine/spec/spec-record.ts'

/**
 * What `docker compose up -d` would do otherwise on the target. Compose puts the id of a container that another one refers to
 * ("network_mode: service:web") into the hash of its configuration, and no engine gives the same id again. The hash is made anew
 * where it is known what was hashed.
 */
export function composeNotes(record: ContainerRecord): string[] {
  const { Config, HostConfig } = record.inspect
  const refersToId = [HostConfig.NetworkMode, HostConfig['PidMode'], HostConfig['IpcMode']].some(mode => sharedContainer(mode) !== undefined) || (Array.isArray(HostConfig['VolumesFrom']) && HostConfig['VolumesFrom'].length > 0)
  if (Config.Labels?.[configHashLabel] === undefined || !refersToId || hashedText(record) !== undefined) return []
  return ['"docker compose up -d" may create this container anew: it refers to another one, which has another id here, and what compose compares cannot be worked out from its settings']
}
