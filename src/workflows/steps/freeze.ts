import { DrayError } from '../../errors/dray-error.ts'
import type { ContainerInspect } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Journal, JournalEntry } from '../../pipeline/journal.ts'
import { awaitEngine } from '../await-engine.ts'
import { startContainer, unpauseContainer } from '../wake-container.ts'
import { RestWatch } from './rest-watch.ts'

export type Consistency = 'pause' | 'stop' | 'none'

export type FreezeWay = 'pause' | 'stop' | 'none' | 'still already'

/**
 * How a container is brought to rest. One that does not run, or is paused, rests already; one that is removed when it stops
 * (`--rm`) is never stopped; one that restarts over and over cannot be paused.
 */
export function chooseFreeze({ State, HostConfig }: Pick<ContainerInspect, 'State' | 'HostConfig'>, wanted: Consistency): FreezeWay {
  if (State.Restarting) return wanted === 'none' ? 'none' : 'stop'
  if (!State.Running || State.Paused) return 'still already'
  if (wanted === 'stop' && HostConfig.AutoRemove) return 'pause'
  return wanted
}

export type FreezeOptions = {
  /** Else the container's own. */
  readonly stopTimeoutSeconds?: number | undefined
  /** Told when the engine has to be waited for to wake it. */
  readonly say?: (text: string) => void
  /** The engine's time a moment ago, where it is known. */
  readonly since?: string | undefined
}

/** A container at rest. thaw() gives it back what it did, once, and tells for how long it rested. */
export class Frozen {
  private thawed: Promise<number> | undefined
  private readonly startedAt = performance.now()
  private readonly engine: Engine
  private readonly journal: Journal
  private readonly entry: JournalEntry
  private readonly watch: RestWatch
  private readonly way: 'pause' | 'stop'
  private readonly id: string
  private readonly say: (text: string) => void
  private stopAskedAt: number | undefined

  private constructor(engine: Engine, journal: Journal, id: string, way: 'pause' | 'stop', entry: JournalEntry, watch: RestWatch, say: (text: string) => void) {
    this.engine = engine
    this.journal = journal
    this.id = id
    this.way = way
    this.entry = entry
    this.watch = watch
    this.say = say
  }

  /**
   * Written into the journal before the engine is asked. If it fails, the container works as before; if that fails too,
   * its entry stays open. One that somebody else paused meanwhile is `conflict`, and stays paused.
   */
  static async freeze(engine: Engine, journal: Journal, container: ContainerInspect, way: 'pause' | 'stop', { stopTimeoutSeconds, say = () => undefined, since }: FreezeOptions = {}): Promise<Frozen> {
    const watch = await RestWatch.begin(engine, container.Id, way, since)
    try {
      const entry = await journal.record(engine, { did: way === 'pause' ? 'paused' : 'stopped', container: container.Id, name: container.Name.slice(1) })
      const askedAt = Date.now()
      const frozen = new Frozen(engine, journal, container.Id, way, entry, watch, say)
      try {
        if (way === 'pause') await engine.containers.pause(container.Id)
        else await engine.containers.stop(container.Id, stopTimeoutSeconds === undefined ? {} : { timeoutSeconds: stopTimeoutSeconds })
        return frozen
      } catch (error) {
        if (way === 'pause' && hasAnsweredNo(error)) await journal.settle(entry)
        else {
          frozen.stopAskedAt = askedAt
          await frozen.thaw().catch(() => undefined)
        }
        throw error
      }
    } catch (error) {
      watch.end()
      throw error
    }
  }

  /** Whether somebody else let it run meanwhile: what was read since then is not of one moment. Certain once thaw() has resolved. */
  get disturbed(): boolean {
    return this.watch.disturbed
  }

  /** It stays at rest: what its journal entry says is left to whoever ends the run. */
  leave(): void {
    this.watch.end()
  }

  /** Milliseconds at rest. Idempotent: the first call does it. */
  thaw(): Promise<number> {
    this.thawed ??= this.wake()
    return this.thawed
  }

  private async wake(): Promise<number> {
    const wakingSince = performance.now()
    try {
      const rested = await awaitEngine(this.engine, () => (this.way === 'pause' ? unpauseContainer(this.engine, this.id) : startContainer(this.engine, this.id, this.stopAskedAt)), this.say)
      const frozenMs = performance.now() - this.startedAt
      await this.journal.settle(this.entry)
      await this.watch.conclude(rested ? 1 : undefined, wakingSince)
      return frozenMs
    } finally {
      this.watch.end()
    }
  }
}

/** Whether it is certain that nothing was done: a lost connection may have carried the request. */
function hasAnsweredNo(error: unknown): boolean {
  return error instanceof DrayError && ['conflict', 'refused', 'not-found'].includes(error.code)
}
