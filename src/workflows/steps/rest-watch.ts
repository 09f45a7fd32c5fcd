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
  private readonly freezing: 'pause' | 'stop'
  private readonly since: string

  private constructor(engine: Engine, container: string, freezing: 'pause' | 'stop', since: string) {
    this.engine = engine
    this.filters = { type: ['container'], container: [container], event: ['pause', 'stop', 'unpause', 'start'] }
    this.freezing = freezing
    this.since = since
  }

  /** Everything after this has resolved is seen. */
  static async begin(engine: Engine, container: string, freezing: 'pause' | 'stop'): Promise<RestWatch> {
    const watch = new RestWatch(engine, container, freezing, await engine.clock())
    void watch.follow()
    return watch
  }

  /** Certain after conclude(); before, what has been seen so far. */
  get disturbed(): boolean {
    return this.concluded ?? (this.broken || this.countWakings() > 0)
  }

  /** To be called after the waking. `byUs`: it was at rest until we woke it. What cannot be known counts as disturbed. */
  async conclude(byUs: boolean): Promise<void> {
    this.concluded = true
    if (!byUs) return
    try {
      const window = { since: this.since, until: await this.engine.clock() }
      for await (const event of this.engine.events(this.filters, this.abort.signal, window)) this.note(event)
      this.concluded = this.broken || this.countWakings() !== 1
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
    return actions.slice(actions.indexOf(this.freezing) + 1).filter(action => action === 'unpause' || action === 'start').length
  }
}
