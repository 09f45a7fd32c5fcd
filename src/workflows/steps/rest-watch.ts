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

  /** Everything after this has resolved is seen. `freezing` is how we bring it to rest; undefined when it rests already. */
  static async begin(engine: Engine, container: string, freezing: 'pause' | 'stop' | undefined): Promise<RestWatch> {
    const watch = new RestWatch(engine, container, freezing, await engine.clock())
    void watch.follow()
    return watch
  }

  /** Certain after conclude(); before, what has been seen so far. */
  get disturbed(): boolean {
    return this.concluded ?? (this.broken || this.countWakings() > 0)
  }

  /** To be called after the waking. `ours` are the wakings that were our own; undefined when somebody else was first. What cannot be known counts as disturbed. */
  async conclude(ours: 0 | 1 | undefined): Promise<void> {
    this.concluded = true
    if (ours === undefined) return
    try {
      const window = { since: this.since, until: await this.engine.clock() }
      for await (const event of this.engine.events(this.filters, this.abort.signal, window)) this.note(event)
      this.concluded = this.broken || this.countWakings() !== ours
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

  private countWakings(): number {
    const actions = [...this.seen.values()].sort((left, right) => left.timeNano - right.timeNano).map(({ Action }) => Action)
    const begun = this.freezing === undefined ? 0 : actions.indexOf(this.freezing) + 1
    return actions.slice(begun).filter(action => action === 'unpause' || action === 'start').length
  }
}
