import type { Engine } from '../../engine/engine.ts'
import { nameOf, type ContainerRecord } from '../../engine/spec/spec-record.ts'

/** Running containers that may write to the same volumes, and are none of these: the data is not of one moment for them. */
export async function otherWriters(engine: Engine, records: readonly Pick<ContainerRecord, 'inspect' | 'volumes'>[], signal: AbortSignal): Promise<string[]> {
  const own = new Set(records.map(({ inspect }) => inspect.Id))
  const warnings: string[] = []
  for (const volume of new Set(records.flatMap(({ volumes }) => volumes.map(({ Name }) => Name)))) {
    const users = await engine.containers.list({ volume: [volume], status: ['running', 'restarting'] }, { signal })
    for (const { Id } of users.filter(each => !own.has(each.Id))) {
      const { Mounts, ...inspect } = await engine.containers.inspect(Id, { signal })
      if (Mounts.some(mount => mount.Type === 'volume' && mount.Name === volume && mount.RW)) warnings.push(`container "${nameOf({ Mounts, ...inspect })}" runs and may write to volume "${volume}": it is not brought to rest with ${records.length === 1 ? 'this one' : 'these'}`)
    }
  }
  return warnings
}
