import type { StepContext, StepObserver } from '../../../src/pipeline/pipeline.ts'

/** Writes down what a run says and does, in order. */
export class Recorder implements StepObserver {
  readonly log: string[] = []

  stepStarted(name: string): void {
    this.log.push(`start ${name}`)
  }

  stepEnded(name: string, outcome: 'done' | 'skipped' | 'failed'): void {
    this.log.push(`${outcome} ${name}`)
  }

  compensated(kind: 'undo' | 'cleanup', name: string, problem?: string): void {
    this.log.push(`${kind} ${name}${problem === undefined ? '' : `: ${problem}`}`)
  }

  context(signal: AbortSignal = new AbortController().signal): StepContext {
    return { signal, observer: this }
  }
}
