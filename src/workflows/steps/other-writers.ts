import type { Engine } from '../../engine/engine.ts'
import { nameOf, type ContainerRecord } from '../../engine/spec/spec-record.ts'

/** Other running containers that may write to the same volumes: the backup is not of one moment for them. */
export async function otherWriters(engine: Engine, record: ContainerRecord, signal: AbortSignal): Promise<string[]> {
  const warnings: string[] = []
  for (const { Name } of record.volumes) {
    const users = await engine.containers.list({ volume: [Name], status: ['running', 'restarting'] }, { signal })
    for (const { Id } of users.filter(({ Id }) => Id !== record.inspect.Id)) {
      const { Mounts, ...inspect } = await engine.containers.inspect(Id, { signal })
      if (Mounts.some(mount => mount.Type === 'volume' && mount.Name === Name && mount.RW)) warnings.push(`container "${nameOf({ Mounts, ...inspect })}" runs and may write to volume "${Name}": it is not brought to rest with this one`)
    }
  }
  return warnings
}
