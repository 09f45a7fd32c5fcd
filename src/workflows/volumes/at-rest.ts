import type { MountPoint } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import { ownContainer } from '../../engine/own-container.ts'
import { nameOf } from '../../engine/spec/spec-record.ts'
import type { Run } from '../run.ts'
import { inspectRunning } from '../steps/running-containers.ts'
import { unpauseContainer } from '../wake-container.ts'

export type UsesMount = (mount: MountPoint) => boolean

export function isVolume(name: string): UsesMount {
  return ({ Type, Name }) => Type === 'volume' && Name === name
}

/** While the work goes on, the containers that may write to the mount are paused, but for the one that dray runs in. All of them run again afterwards, whatever happens. */
export async function whilePaused<T>(run: Run, engine: Engine, isIt: UsesMount, work: () => Promise<T>): Promise<T> {
  const writers = (await inspectRunning(engine, [ownContainer() ?? ''], run.signal)).filter(({ Mounts, State }) => !State.Paused && Mounts.some(mount => mount.RW && isIt(mount)))
  const paused = []
  try {
    for (const { Id, ...inspect } of writers) {
      const entry = await run.journal.record(engine, { did: 'paused', container: Id, name: nameOf({ Id, ...inspect }) })
      paused.push({ Id, entry })
      await engine.containers.pause(Id, { signal: run.signal })
    }
    return await work()
  } finally {
    for (const { Id, entry } of paused.reverse()) {
      await unpauseContainer(engine, Id)
      await run.journal.settle(entry)
    }
  }
}
