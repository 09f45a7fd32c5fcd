import type { Reporter, Transfer } from '../workflows/reporter.ts'

/** Says everything with a name before it: several works that go on beside each other are told apart. */
export class NamingReporter implements Reporter {
  readonly #reporter: Reporter
  readonly #subject: string

  constructor(reporter: Reporter, subject: string) {
    this.#reporter = reporter
    this.#subject = subject
  }

  of(subject: string): Reporter {
    return new NamingReporter(this, subject)
  }

  stepStarted(name: string): void {
    this.#reporter.stepStarted(this.#named(name))
  }

  stepEnded(name: string, outcome: 'done' | 'skipped' | 'failed'): void {
    this.#reporter.stepEnded(this.#named(name), outcome)
  }

  compensated(kind: 'undo' | 'cleanup', name: string, problem?: string): void {
    this.#reporter.compensated(kind, this.#named(name), problem)
  }

  note(text: string): void {
    this.#reporter.note(this.#named(text))
  }

  warn(text: string): void {
    this.#reporter.warn(this.#named(text))
  }

  transfer(name: string, totalBytes?: number): Transfer {
    return this.#reporter.transfer(this.#named(name), totalBytes)
  }

  #named(text: string): string {
    return `${this.#subject}: ${text}`
  }
}
