import type { Engine } from '../../engine/engine.ts'
import { unlessMissing } from '../../engine/unless-missing.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { holdMounted, isMemory } from '../../mounts/hold-mounted.ts'
import type { MountAction } from '../restore-plan.ts'
import type { Run, TemporaryJournal } from '../run.ts'
import type { WrittenMount } from './write-mount.ts'

export type HoldJob = { readonly run: Run; readonly engine: Engine; readonly temporary: TemporaryJournal }

/** The volumes that each run keeps mounted. */
const held = new WeakMap<Run, Set<string>>()

/**
 * Keeps those of the volumes mounted that are memory, until the run puts right what it made for the moment: what they hold
 * would go with their last container, when it is stopped, or when what wrote it ends. Where that cannot be done it is said.
 */
export async function holdMemory({ run, engine, temporary }: HoldJob, volumes: readonly string[]): Promise<void> {
  const own = held.get(run) ?? new Set()
  held.set(run, own)
  for (const name of volumes.filter(each => !own.has(each))) {
    const volume = await unlessMissing(engine.volumes.inspect(name, { signal: run.signal }))
    if (volume === undefined || !isMemory({ driver: volume.Driver, options: volume.Options })) continue
    try {
      await holdMounted({ engine, run: run.id, journal: temporary }, volume, run.signal)
      own.add(name)
    } catch (thrown) {
      run.signal.throwIfAborted()
      if (!(thrown instanceof DrayError) || thrown.code === 'engine-unreachable') throw thrown
      run.reporter.warn(`volume "${name}" is memory (tmpfs), and nothing can keep it mounted: what it holds goes when its container stops: ${thrown.message}`)
    }
  }
}

/** What was written to memory stays only if a container runs with it by now. */
export function withLostMemory(written: readonly WrittenMount[], mounts: readonly MountAction[], status: string): WrittenMount[] {
  const isLost = ({ stored: { described: { driver, options, entries } } }: MountAction): boolean => isMemory({ driver, options }) && entries > 1 && !['running', 'paused'].includes(status)
  const places = mounts.filter(isLost).map(({ place }) => place)
  return written.map(each => (places.includes(each.place) ? { ...each, problems: [...each.problems, 'is memory (tmpfs), which is empty again, as no container runs with it'] } : each))
}
