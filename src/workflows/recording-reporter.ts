import type { Reporter, Transfer } from './reporter.ts'

/** Passes everything on, and keeps the warnings for the summary of the run. */
export class RecordingReporter implements Reporter {
  readonly warnings: string[]
  readonly #reporter: Reporter
  readonly #subject: string | undefined

  constructor(reporter: Reporter, { warnings = [], subject }: { readonly warnings?: string[]; readonly subject?: string } = {}) {
    this.#reporter = reporter
    this.warnings = warnings
    this.#subject = subject
  }

  of(subject: string): Reporter {
    return new RecordingReporter(this.#reporter.of(subject), { warnings: this.warnings, subject })
  }

  planned(steps: readonly string[]): void {
    this.#reporter.planned?.(steps)
  }

  stepStarted(name: string): void {
    this.#reporter.stepStarted(name)
  }

  stepEnded(name: string, outcome: 'done' | 'skipped' | 'failed'): void {
    this.#reporter.stepEnded(name, outcome)
  }

  compensated(kind: 'undo' | 'cleanup', name: string, problem?: string): void {
    this.#reporter.compensated(kind, name, problem)
  }

  note(text: string): void {
    this.#reporter.note(text)
  }

  warn(text: string): void {
    this.warnings.push(this.#subject === undefined ? text : `${this.#subject}: ${text}`)
    this.#reporter.warn(text)
  }

  transfer(name: string, totalBytes?: number): Transfer {
    return this.#reporter.transfer(name, totalBytes)
  }
}
