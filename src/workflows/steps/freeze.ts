import type { ContainerInspect } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Journal, JournalEntry } from '../../pipeline/journal.ts'

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

/** A container at rest. thaw() gives it back what it did, once, and tells for how long it rested. */
export class Frozen {
  private thawed: Promise<number> | undefined
  private readonly startedAt = performance.now()
  private readonly engine: Engine
  private readonly journal: Journal
  private readonly entry: JournalEntry
  private readonly disturbances: Disturbances
  private readonly way: 'pause' | 'stop'
  private readonly id: string

  private constructor(engine: Engine, journal: Journal, id: string, way: 'pause' | 'stop', entry: JournalEntry, disturbances: Disturbances) {
    this.engine = engine
    this.journal = journal
    this.id = id
    this.way = way
    this.entry = entry
    this.disturbances = disturbances
  }

  /** Written into the journal before the engine is asked. If the engine refuses, the container is put back to work. */
  static async freeze(engine: Engine, journal: Journal, container: ContainerInspect, way: 'pause' | 'stop', stopTimeoutSeconds?: number): Promise<Frozen> {
    const name = container.Name.slice(1)
    const entry = await journal.record(engine, { did: way === 'pause' ? 'paused' : 'stopped', container: container.Id, name })
    const disturbances = await Disturbances.watch(engine, container.Id)
    const frozen = new Frozen(engine, journal, container.Id, way, entry, disturbances)
    try {
      if (way === 'pause') await engine.containers.pause(container.Id)
      else await engine.containers.stop(container.Id, stopTimeoutSeconds === undefined ? {} : { timeoutSeconds: stopTimeoutSeconds })
      disturbances.expectNothingMore()
      return frozen
    } catch (error) {
      await frozen.thaw().catch(() => undefined)
      throw error
    }
  }

  /** Whether somebody else let it run meanwhile: what was read since then is not of one moment. */
  get disturbed(): boolean {
    return this.disturbances.seen
  }

  /** Milliseconds at rest. Idempotent: the first call does it. */
  thaw(): Promise<number> {
    this.thawed ??= this.wake()
    return this.thawed
  }

  private async wake(): Promise<number> {
    this.disturbances.stop()
    const { containers } = this.engine
    const { State } = await containers.inspect(this.id)
    if (this.way === 'pause' && State.Paused) await containers.unpause(this.id)
    if (this.way === 'stop' && !State.Running) await containers.start(this.id)
    const frozenMs = performance.now() - this.startedAt
    await this.journal.settle(this.entry)
    return frozenMs
  }
}

/** Watches for someone else's unpause, start or restart of one container. */
class Disturbances {
  seen = false
  private armed = false
  private readonly abort = new AbortController()

  static async watch(engine: Engine, container: string): Promise<Disturbances> {
    const watch = new Disturbances()
    const events = engine.events({ type: ['container'], container: [container], event: ['unpause', 'start', 'restart', 'die'] }, watch.abort.signal)[Symbol.asyncIterator]()
    void watch.follow(events)
    return await Promise.resolve(watch)
  }

  expectNothingMore(): void {
    this.armed = true
  }

  stop(): void {
    this.abort.abort()
  }

  private async follow(events: AsyncIterator<{ readonly Action: string }>): Promise<void> {
    try {
      for (let next = await events.next(); next.done !== true; next = await events.next()) {
        if (this.armed && next.value.Action !== 'die') this.seen = true
      }
    } catch {
      // The stream ends with the abort; a lost connection shows in every other call.
    }
  }
}
