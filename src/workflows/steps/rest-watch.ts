import type { Engine, EngineEvent } from '../../engine/engine.ts'

/**
 * Watches one container's rest through the engine's events, from a moment before the rest began. Every waking after our own
 * freeze, but for our own one in the end, is somebody else's. The events are followed as they come, because an engine keeps
 * only its last 256, and read once more in the end, because those that are followed may come late.
 */
export class RestWatch {
  private readonly abort = new AbortController()
  private readonly seen = new Map<string, EngineEvent>()
  private broken = false
  private concluded: boolean | undefined
  private readonly engine: Engine
  private readonly filters: Record<string, string[]>
  private readonly freezing: 'pause' | 'stop' | undefined
  private readonly since: string

  private constructor(engine: Engine, container: string, freezing: 'pause' | 'stop' | undefined, since: string) {
    this.engine = engine
    this.filters = { type: ['container'], container: [container], event: ['pause', 'stop', 'unpause', 'start'] }
    this.freezing = freezing
    this.since = since
  }

  /** Everything after this has resolved is seen. `freezing` is how we bring it to rest; undefined when it rests already. `since`: the engine's time a moment ago, where it is known. */
  static async begin(engine: Engine, container: string, freezing: 'pause' | 'stop' | undefined, since?: string): Promise<RestWatch> {
    const watch = new RestWatch(engine, container, freezing, since ?? (await engine.clock()))
    void watch.follow()
    return watch
  }

  /** Certain after conclude(); before, what has been seen so far. */
  get disturbed(): boolean {
    return this.concluded ?? (this.broken || this.wakings().length > 0)
  }

  /**
   * To be called after the waking, which was begun at `wakingSince` (by performance.now()). `ours` are the wakings that were
   * our own; undefined when somebody else was first. What an engine says twice after that (see awaitEchoes) disturbs nothing;
   * what cannot be known does.
   */
  async conclude(ours: 0 | 1 | undefined, wakingSince: number): Promise<void> {
    this.concluded = true
    if (ours === undefined) return
    try {
      const askedAt = performance.now()
      const until = await this.engine.clock()
      const wakingBegan = Number(until) * 1000 - (askedAt - wakingSince)
      for await (const event of this.engine.events(this.filters, this.abort.signal, { since: this.since, until })) this.note(event)
      const wakings = this.wakings()
      const others = wakings.filter(({ timeNano }) => timeNano / 1e6 < wakingBegan)
      this.concluded = this.broken || wakings.length < ours || (wakings.length > ours && others.length > 0)
    } catch {
      // Still true.
    }
  }

  end(): void {
    this.abort.abort()
  }

  private async follow(): Promise<void> {
    try {
      for await (const event of this.engine.events(this.filters, this.abort.signal, { since: this.since })) this.note(event)
    } catch {
      // A lost connection shows in every other call too.
      this.broken = true
    }
  }

  private note(event: EngineEvent): void {
    this.seen.set(`${event.timeNano} ${event.Action}`, event)
  }

  private wakings(): readonly EngineEvent[] {
    const events = [...this.seen.values()].sort((left, right) => left.timeNano - right.timeNano)
    const begun = this.freezing === undefined ? 0 : events.findIndex(({ Action }) => Action === this.freezing) + 1
    return events.slice(begun).filter(({ Action }) => Action === 'unpause' || Action === 'start')
  }
}
