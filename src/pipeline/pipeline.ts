import { DrayError, messageOf } from '../errors/dray-error.ts'
import type { ErrorCode } from '../errors/exit-codes.ts'

/** What a step sees of the run: its signal, and where to say what it does. */
export type StepContext = { readonly signal: AbortSignal; readonly observer: StepObserver }

/** Called as the run goes on. Never throws. */
export interface StepObserver {
  stepStarted(name: string): void
  stepEnded(name: string, outcome: 'done' | 'skipped' | 'failed'): void
  compensated(kind: 'undo' | 'cleanup', name: string, problem?: string): void
}

type Doing<S, Out> = (state: S, context: StepContext) => Promise<Out>
type Compensation<S> = { readonly name: string; readonly run: Doing<S, unknown> }

/**
 * `undo` runs, newest first, only after a failure before the point of no return. `cleanup` runs, newest first, always.
 * Both belong to completed steps: a step that fails half way removes its own half, unless its undo `coversHalf`, which then knows
 * by itself (by the journal) what there is to undo. Both are idempotent. An undo that finds nothing done returns 'nothing to
 * undo': then the run did not roll anything back.
 */
export type Compensations<S> = { readonly undo?: Compensation<S> & { readonly coversHalf?: boolean }; readonly cleanup?: Compensation<S> }

type Step = { readonly name: string; readonly when?: (state: never) => boolean; readonly run: Doing<never, object | undefined>; readonly undo?: Compensations<never>['undo']; readonly cleanup?: Compensation<never>; readonly commits?: boolean }

export type PlannedStep = { readonly name: string; readonly undo?: string; readonly cleanup?: string; readonly conditional: boolean }

/** What could not be undone or cleaned: shown, and it changes the exit code. */
export type LeftBehind = { readonly what: string; readonly problem: string }

/** A failed run: `message` is the cause's, `undone` and `leftBehind` say in which state the world is. */
export class PipelineError extends DrayError {
  readonly step: string
  readonly undone: readonly string[]
  readonly leftBehind: readonly LeftBehind[]
  readonly committed: boolean

  constructor(code: ErrorCode, pipeline: string, facts: { step: string; cause: unknown; undone: readonly string[]; leftBehind: readonly LeftBehind[]; committed: boolean }) {
    const hints = facts.cause instanceof DrayError ? facts.cause.hints : []
    super(code, `${pipeline}: ${facts.step}: ${messageOf(facts.cause)}`, { hints, cause: facts.cause })
    this.step = facts.step
    this.undone = facts.undone
    this.leftBehind = facts.leftBehind
    this.committed = facts.committed
  }
}

/** Steps in order, each with its way back beside it. A value: it can be printed (`plan`) and run. */
export class Pipeline<Job extends object, State extends Job = Job> {
  readonly name: string
  private readonly steps: readonly Step[]

  private constructor(name: string, steps: readonly Step[]) {
    this.name = name
    this.steps = steps
  }

  static named<Job extends object>(name: string): Pipeline<Job> {
    return new Pipeline(name, [])
  }

  /** Runs and merges what it returns into the state. */
  step<Out extends object>(name: string, run: Doing<State, Out>, ways: Compensations<State & Out> = {}): Pipeline<Job, State & Out> {
    return this.with({ name, run, ...ways })
  }

  /** Runs for its effect. */
  act(name: string, run: Doing<State, void>, ways: Compensations<State> = {}): Pipeline<Job, State> {
    return this.with({ name, run: discard(run), ...ways })
  }

  /** Runs for its effect, if the state asks for it. */
  actIf(when: (state: State) => boolean, name: string, run: Doing<State, void>, ways: Compensations<State> = {}): Pipeline<Job, State> {
    return this.with({ name, when, run: discard(run), ...ways })
  }

  /** Takes a route: a part of a pipeline, chosen as a value. */
  use<Next extends State>(route: (before: Pipeline<Job, State>) => Pipeline<Job, Next>): Pipeline<Job, Next> {
    return route(this)
  }

  /** Past this point nothing is undone, and a signal stops nothing any more: what follows is short, and is done. */
  pointOfNoReturn(): Pipeline<Job, State> {
    return this.with({ name: 'point of no return', run: () => Promise.resolve(undefined), commits: true })
  }

  plan(): PlannedStep[] {
    return this.steps.filter(step => step.commits !== true).map(step => ({
      name: step.name,
      conditional: step.when !== undefined,
      ...(step.undo && { undo: step.undo.name }),
      ...(step.cleanup && { cleanup: step.cleanup.name }),
    }))
  }

  /**
   * Resolves with the final state and what the cleanups could not remove. Rejects with the cause itself if nothing had to
   * be undone and nothing is left behind; else with a PipelineError: `rolled-back`, `rollback-incomplete` (something is left),
   * `failed-after-commit`, or the code of the signal that interrupted it. A signal counts until the last step has ended.
   */
  async run(job: Job, context: StepContext): Promise<{ state: State; leftBehind: LeftBehind[] }> {
    const run = new PipelineRun(this.name, context)
    for (const step of this.steps) {
      const failure = await run.take(step, job)
      if (failure) throw await run.fail(failure.step, failure.cause)
    }
    await run.cleanUp()
    return { state: run.state as State, leftBehind: run.leftBehind }
  }

  private with<Next extends State>(step: Omit<Step, 'run' | 'when' | 'undo' | 'cleanup'> & { run: Doing<State, object | undefined>; when?: (state: State) => boolean } & Compensations<Next>): Pipeline<Job, Next> {
    return new Pipeline<Job, Next>(this.name, [...this.steps, step])
  }
}

class PipelineRun {
  state: object | undefined
  readonly leftBehind: LeftBehind[] = []
  private readonly done: Step[] = []
  private readonly undone: string[] = []
  private committed = false
  private latest: string | undefined
  private readonly name: string
  private readonly context: StepContext

  constructor(name: string, context: StepContext) {
    this.name = name
    this.context = context
  }

  async take(step: Step, job: object): Promise<{ step: string; cause: unknown } | undefined> {
    const { observer, signal } = this.context
    this.state ??= job
    if (step.commits === true) {
      this.committed = true
      return undefined
    }
    if (!this.committed && signal.aborted) return { step: this.latest ?? step.name, cause: signal.reason }
    this.latest = step.name
    try {
      if (step.when?.(this.state as never) === false) {
        observer.stepEnded(step.name, 'skipped')
        return undefined
      }
      observer.stepStarted(step.name)
      this.state = { ...this.state, ...(await step.run(this.state as never, this.committed ? { observer, signal: new AbortController().signal } : this.context)) }
      this.done.unshift(step)
      observer.stepEnded(step.name, 'done')
      return undefined
    } catch (cause) {
      observer.stepEnded(step.name, 'failed')
      if (step.undo?.coversHalf === true) this.done.unshift({ name: step.name, run: step.run, undo: step.undo })
      return { step: step.name, cause }
    }
  }

  async fail(step: string, thrown: unknown): Promise<unknown> {
    if (!this.committed) await this.compensate('undo')
    await this.compensate('cleanup')
    const cause = this.context.signal.aborted && !this.committed ? interruption(this.context.signal) : thrown
    const facts = { step, cause, undone: this.undone, leftBehind: this.leftBehind, committed: this.committed }
    if (this.leftBehind.length > 0 && !this.committed) return new PipelineError('rollback-incomplete', this.name, facts)
    if (this.committed) return new PipelineError('failed-after-commit', this.name, facts)
    if (this.context.signal.aborted) return new PipelineError((cause as DrayError).code, this.name, facts)
    if (this.undone.length > 0) return new PipelineError('rolled-back', this.name, facts)
    return thrown
  }

  async cleanUp(): Promise<void> {
    await this.compensate('cleanup')
  }

  /** With a signal of its own: Ctrl-C aborts a step, not the rollback that it causes. */
  private async compensate(kind: 'undo' | 'cleanup'): Promise<void> {
    const context = { ...this.context, signal: new AbortController().signal }
    for (const step of this.done) {
      const way = step[kind]
      if (!way) continue
      try {
        const answer = await way.run(this.state as never, context)
        if (answer === 'nothing to undo') continue
        if (kind === 'undo') this.undone.push(way.name)
        this.context.observer.compensated(kind, way.name)
      } catch (problem) {
        this.leftBehind.push({ what: way.name, problem: messageOf(problem) })
        this.context.observer.compensated(kind, way.name, messageOf(problem))
      }
    }
  }
}

function discard<S>(run: Doing<S, void>): Doing<S, undefined> {
  return async (state, context) => {
    await run(state, context)
    return undefined
  }
}

/** What aborted the run, as an error of its own: SIGINT and SIGTERM have codes of their own. */
export function interruption(signal: AbortSignal): DrayError {
  return signal.reason instanceof DrayError ? signal.reason : new DrayError('interrupted', 'interrupted', { cause: signal.reason })
}
