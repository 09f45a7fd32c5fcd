import type { Ora } from 'ora'
import type { Reporter, Transfer } from '../workflows/reporter.ts'
import { formatBytes, formatDuration, printable } from './format.ts'
import { forTerminal } from './plain-text.ts'
import { NamingReporter } from './naming-reporter.ts'
import { TransferMeter } from './transfer-meter.ts'

const lineEveryMs = 10_000
const liveEveryMs = 100

export type TextReporterOptions = { readonly stream: NodeJS.WriteStream; readonly live: boolean; readonly quiet: boolean; readonly verbose: boolean; /** Default: there are. */ readonly colours?: boolean; /** Whether the spinner may be of signs that are not ASCII. Default: it may. */ readonly signs?: boolean }

/**
 * The run as a person sees it, on stderr: a live view on a terminal, plain lines every so often elsewhere, warnings only
 * with --quiet.
 */
export class TextReporter implements Reporter {
  private readonly meters = new Set<TransferMeter>()
  private readonly steps: string[] = []
  private plan: readonly string[] = []
  private spinner: Ora | undefined
  private timer: NodeJS.Timeout | undefined
  private readonly options: TextReporterOptions

  constructor(options: TextReporterOptions) {
    this.options = options
  }

  async start(): Promise<void> {
    if (this.options.quiet) return
    if (this.options.live) {
      const { default: ora } = await import('ora')
      this.spinner = ora({ stream: this.options.stream, isEnabled: true, discardStdin: false, ...(this.options.colours === false ? { color: false } : {}), ...(this.options.signs === false ? { spinner: 'line' as const } : {}) })
    }
    this.timer = setInterval(() => this.tick(), this.spinner ? liveEveryMs : lineEveryMs)
    this.timer.unref()
  }

  stop(): void {
    clearInterval(this.timer)
    this.spinner?.stop()
    this.spinner = undefined
  }

  /** Takes the live view away until a step or a transfer goes on. */
  rest(): void {
    this.spinner?.stop()
  }

  planned(steps: readonly string[]): void {
    this.plan = steps
  }

  stepStarted(name: string): void {
    this.steps.push(name)
    if (this.options.verbose || this.plan.includes(name)) this.say(`${this.placed(name)} …`)
    if (this.spinner) this.tick()
  }

  stepEnded(name: string, outcome: 'done' | 'skipped' | 'failed'): void {
    const at = this.steps.lastIndexOf(name)
    if (at >= 0) this.steps.splice(at, 1)
    if (this.options.verbose) this.say(`${name}: ${outcome}`)
  }

  compensated(kind: 'undo' | 'cleanup', name: string, problem?: string): void {
    if (problem !== undefined) this.warn(`${kind} failed: ${name}: ${problem}`)
    else if (kind === 'undo') this.write(`dray: undone: ${printable(name)}`)
    else if (this.options.verbose) this.say(`cleaned up: ${name}`)
  }

  note(text: string): void {
    this.say(text)
  }

  warn(text: string): void {
    this.write(`dray: warning: ${printable(text)}`)
  }

  transfer(name: string, totalBytes?: number): Transfer {
    const meter = new TransferMeter(name, totalBytes, ended => this.ended(ended))
    this.meters.add(meter)
    return meter
  }

  of(subject: string): Reporter {
    return new NamingReporter(this, subject)
  }

  /** With its place among the steps that were announced. */
  private placed(name: string): string {
    const at = this.plan.indexOf(name)
    return at < 0 ? name : `${at + 1}/${this.plan.length} ${name}`
  }

  private ended(meter: TransferMeter): void {
    this.meters.delete(meter)
    if (meter.bytes > 0) this.say(`${meter.name}: ${formatBytes(meter.bytes)} in ${formatDuration(meter.elapsedMs())}`)
  }

  private tick(): void {
    const lines = [...this.meters].map(meter => printable(meter.describe()))
    if (this.spinner) {
      // Two columns for the spinner, or for the indent of the other lines.
      const room = Math.max(1, (this.options.stream.columns || 80) - 3)
      const text = [printable(this.placed(this.steps.at(-1) ?? 'working')), ...lines].map(line => line.slice(0, room)).join('\n  ')
      this.spinner.text = text
      if (!this.spinner.isSpinning && (this.steps.length > 0 || lines.length > 0)) this.spinner.start()
    } else {
      for (const line of lines) this.write(`dray: ${line}`)
    }
  }

  private say(text: string): void {
    if (!this.options.quiet) this.write(`dray: ${printable(text)}`)
  }

  /** On a terminal, ora takes the live view away for the line and draws it again below. */
  private write(line: string): void {
    this.options.stream.write(`${forTerminal(line, this.options.stream)}\n`)
  }
}
