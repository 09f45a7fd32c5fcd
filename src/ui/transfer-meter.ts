import type { Transfer } from '../workflows/reporter.ts'
import { formatBytes, formatDuration } from './format.ts'

const windowMs = 5_000

/** Counts one transfer's bytes and derives its rate (over the last seconds) and the time left. */
export class TransferMeter implements Transfer {
  readonly name: string
  bytes = 0
  totalBytes: number | undefined
  ended = false
  private readonly startedAt = performance.now()
  private readonly samples: { at: number; bytes: number }[] = [{ at: this.startedAt, bytes: 0 }]
  private readonly onEnd: (meter: TransferMeter) => void

  constructor(name: string, totalBytes: number | undefined, onEnd: (meter: TransferMeter) => void) {
    this.name = name
    this.totalBytes = totalBytes
    this.onEnd = onEnd
  }

  add(bytes: number): void {
    this.bytes += bytes
  }

  expect(totalBytes: number): void {
    this.totalBytes = totalBytes
  }

  end(): void {
    if (this.ended) return
    this.ended = true
    this.onEnd(this)
  }

  /** Bytes per second. */
  rate(now = performance.now()): number {
    this.samples.push({ at: now, bytes: this.bytes })
    while (this.samples.length > 2 && now - (this.samples[0]?.at ?? now) > windowMs) this.samples.shift()
    const first = this.samples[0] ?? { at: this.startedAt, bytes: 0 }
    return now > first.at ? ((this.bytes - first.bytes) * 1000) / (now - first.at) : 0
  }

  elapsedMs(): number {
    return performance.now() - this.startedAt
  }

  /** `volume data  420 MiB of 1.2 GiB  35%  210 MiB/s  4 s left` */
  describe(): string {
    const rate = this.rate()
    if (this.totalBytes === undefined || this.totalBytes < this.bytes) return `${this.name}  ${formatBytes(this.bytes)}  ${formatBytes(rate)}/s`
    const percent = this.totalBytes === 0 ? 100 : Math.floor((this.bytes * 100) / this.totalBytes)
    const left = rate > 0 && this.bytes < this.totalBytes ? `  ${formatDuration(((this.totalBytes - this.bytes) * 1000) / rate)} left` : ''
    return `${this.name}  ${formatBytes(this.bytes)} of ${formatBytes(this.totalBytes)}  ${percent}%  ${formatBytes(rate)}/s${left}`
  }
}
