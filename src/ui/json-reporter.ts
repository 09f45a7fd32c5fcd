import type { Reporter, Transfer } from '../workflows/reporter.ts'
import type { JsonEvent } from './json-events.ts'
import { TransferMeter } from './transfer-meter.ts'

const progressEveryMs = 1_000

/** The run as NDJSON events for machines; docs/json-events.md describes them. */
export class JsonReporter implements Reporter {
  private readonly meters = new Set<TransferMeter>()
  private readonly timer: NodeJS.Timeout
  private readonly emit: (event: JsonEvent) => void
  private readonly parts: JsonReporter[] = []

  constructor(emit: (event: JsonEvent) => void) {
    this.emit = emit
    this.timer = setInterval(() => this.progress(), progressEveryMs)
    this.timer.unref()
  }

  stop(): void {
    clearInterval(this.timer)
    for (const part of this.parts) part.stop()
  }

  of(subject: string): Reporter {
    const part = new JsonReporter(event => this.emit({ ...event, of: subject }))
    this.parts.push(part)
    return part
  }

  planned(steps: readonly string[]): void {
    this.emit({ event: 'plan', steps })
  }

  stepStarted(name: string): void {
    this.emit({ event: 'step', name, state: 'started' })
  }

  stepEnded(name: string, outcome: 'done' | 'skipped' | 'failed'): void {
    this.emit({ event: 'step', name, state: outcome })
  }

  compensated(kind: 'undo' | 'cleanup', name: string, problem?: string): void {
    this.emit({ event: kind, name, ...(problem === undefined ? {} : { problem }) })
  }

  note(text: string): void {
    this.emit({ event: 'note', text })
  }

  warn(text: string): void {
    this.emit({ event: 'warning', text })
  }

  transfer(name: string, totalBytes?: number): Transfer {
    const meter = new TransferMeter(name, totalBytes, ended => {
      this.meters.delete(ended)
      this.emit({ event: 'transfer', name, bytes: ended.bytes, milliseconds: Math.round(ended.elapsedMs()), state: 'done' })
    })
    this.meters.add(meter)
    return meter
  }

  private progress(): void {
    for (const meter of this.meters) {
      this.emit({ event: 'transfer', name: meter.name, bytes: meter.bytes, ...(meter.totalBytes === undefined ? {} : { totalBytes: meter.totalBytes }), bytesPerSecond: Math.round(meter.rate()), state: 'running' })
    }
  }
}
