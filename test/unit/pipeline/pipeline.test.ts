import { describe, expect, test } from '@jest/globals'
import { DrayError } from '../../../src/errors/dray-error.ts'
import { Pipeline, PipelineError, type StepContext } from '../../../src/pipeline/pipeline.ts'
import { Recorder } from './recorder.ts'

type Job = { readonly target: string }
const job: Job = { target: 'web' }
const nothing = (): Promise<void> => Promise.resolve()
const failing = (message: string) => (): Promise<never> => Promise.reject(new DrayError('refused', message, { hints: ['try again'] }))
const way = (name: string, run: (state: object, context: StepContext) => Promise<unknown> = nothing) => ({ name, run })

/** copy (undo, cleanup) → start (undo) → tag (cleanup) → `last`. */
function threeSteps(): Pipeline<Job> {
  return Pipeline.named<Job>('restore')
    .act('copy', nothing, { undo: way('remove copy'), cleanup: way('drop staging') })
    .act('start', nothing, { undo: way('stop it') })
    .act('tag', nothing, { cleanup: way('untag') })
}

async function failureOf(running: Promise<unknown>): Promise<unknown> {
  return await running.then(() => { throw new Error('the run was expected to fail') }, (thrown: unknown) => thrown)
}

describe('a run that succeeds', () => {
  test('merges what steps return, cleans up newest first, undoes nothing', async () => {
    const recorder = new Recorder()
    const { state, leftBehind } = await threeSteps().step('count', ({ target }) => Promise.resolve({ letters: target.length })).run(job, recorder.context())
    expect(state).toEqual({ target: 'web', letters: 3 })
    expect(leftBehind).toEqual([])
    expect(recorder.log).toEqual(['start copy', 'done copy', 'start start', 'done start', 'start tag', 'done tag', 'start count', 'done count', 'cleanup untag', 'cleanup drop staging'])
  })

  test('a cleanup that fails is told, and the others still run', async () => {
    const recorder = new Recorder()
    const pipeline = threeSteps().act('last', nothing, { cleanup: way('remove helper', failing('busy')) })
    expect((await pipeline.run(job, recorder.context())).leftBehind).toEqual([{ what: 'remove helper', problem: 'busy' }])
    expect(recorder.log.slice(-3)).toEqual(['cleanup remove helper: busy', 'cleanup untag', 'cleanup drop staging'])
  })

  test('does not change the job it was given', async () => {
    await Pipeline.named<Job>('x').step('add', () => Promise.resolve({ more: 1 })).run(job, new Recorder().context())
    expect(job).toEqual({ target: 'web' })
  })
})

describe('a step that fails', () => {
  test('all undos run, then all cleanups, each newest first; its own do not', async () => {
    const recorder = new Recorder()
    const pipeline = threeSteps().act('load', failing('no space'), { undo: way('unload'), cleanup: way('drop load') })
    const error = await failureOf(pipeline.run(job, recorder.context())) as PipelineError
    expect(recorder.log.slice(-5)).toEqual(['failed load', 'undo stop it', 'undo remove copy', 'cleanup untag', 'cleanup drop staging'])
    expect(error).toBeInstanceOf(PipelineError)
    expect(error).toMatchObject({ code: 'rolled-back', exitCode: 40, step: 'load', undone: ['stop it', 'remove copy'], leftBehind: [], committed: false, hints: ['try again'] })
    expect(error.message).toBe('restore: load: no space')
    expect(error.cause).toMatchObject({ code: 'refused' })
  })

  test('its own undo runs too where that covers half of it; its cleanup does not', async () => {
    const recorder = new Recorder()
    const pipeline = threeSteps().act('load', failing('no space'), { undo: { ...way('unload'), coversHalf: true }, cleanup: way('drop load') })
    expect(await failureOf(pipeline.run(job, recorder.context()))).toMatchObject({ exitCode: 40, undone: ['unload', 'stop it', 'remove copy'] })
    expect(recorder.log.slice(-6)).toEqual(['failed load', 'undo unload', 'undo stop it', 'undo remove copy', 'cleanup untag', 'cleanup drop staging'])
  })

  test('when nothing had to be undone, the cause itself is thrown', async () => {
    const cause = new DrayError('not-found', 'no such container: "web"')
    const pipeline = Pipeline.named<Job>('backup').act('look', nothing, { cleanup: way('drop staging') }).act('inspect', () => Promise.reject(cause))
    expect(await failureOf(pipeline.run(job, new Recorder().context()))).toBe(cause)
  })

  test('an undo that fails does not stop the others; the first error is the one reported', async () => {
    const recorder = new Recorder()
    const pipeline = threeSteps().act('move', nothing, { undo: way('move back', failing('gone')) }).act('load', failing('no space'))
    const error = await failureOf(pipeline.run(job, recorder.context()))
    expect(error).toMatchObject({ code: 'rollback-incomplete', exitCode: 41, undone: ['stop it', 'remove copy'], leftBehind: [{ what: 'move back', problem: 'gone' }] })
    expect(String(error)).toContain('no space')
    expect(recorder.log.slice(-5)).toEqual(['undo move back: gone', 'undo stop it', 'undo remove copy', 'cleanup untag', 'cleanup drop staging'])
  })

  test('a cleanup that fails after a rollback makes it incomplete', async () => {
    const pipeline = Pipeline.named<Job>('x').act('a', nothing, { cleanup: way('drop', failing('busy')) }).act('b', failing('no'))
    expect(await failureOf(pipeline.run(job, new Recorder().context()))).toMatchObject({ code: 'rollback-incomplete', leftBehind: [{ what: 'drop', problem: 'busy' }] })
  })

  test('something thrown that is no DrayError is wrapped with its message, and kept', async () => {
    const cause = new TypeError('x is undefined')
    const error = await failureOf(threeSteps().act('load', () => Promise.reject(cause)).run(job, new Recorder().context())) as PipelineError
    expect(error).toMatchObject({ code: 'rolled-back', message: 'restore: load: x is undefined' })
    expect(error.cause).toBe(cause)
  })

  test('undo and cleanup see the state at the failure', async () => {
    const seen: object[] = []
    const look = (state: object): Promise<void> => Promise.resolve(void seen.push(state))
    const pipeline = Pipeline.named<Job>('x')
      .step('one', () => Promise.resolve({ one: 1 }), { undo: way('undo one', look), cleanup: way('clean one', look) })
      .step('two', () => Promise.resolve({ two: 2 }))
      .act('three', failing('no'))
    await failureOf(pipeline.run(job, new Recorder().context()))
    expect(seen).toEqual([{ target: 'web', one: 1, two: 2 }, { target: 'web', one: 1, two: 2 }])
  })
})

describe('the point of no return', () => {
  const committed = (last: () => Promise<void>, cleanup: () => Promise<unknown> = nothing): Pipeline<Job> =>
    threeSteps().act('switch', nothing, { cleanup: way('drop switch', cleanup) }).pointOfNoReturn().act('retire', last)

  test('after it nothing is undone, but all is cleaned up: 42', async () => {
    const recorder = new Recorder()
    const error = await failureOf(committed(failing('refused')).run(job, recorder.context()))
    expect(error).toMatchObject({ code: 'failed-after-commit', exitCode: 42, step: 'retire', undone: [], committed: true })
    expect(recorder.log.slice(-4)).toEqual(['failed retire', 'cleanup drop switch', 'cleanup untag', 'cleanup drop staging'])
  })

  test('after it 42 also when something is left behind', async () => {
    expect(await failureOf(committed(failing('no'), failing('busy')).run(job, new Recorder().context()))).toMatchObject({ exitCode: 42, leftBehind: [{ what: 'drop switch', problem: 'busy' }] })
  })

  test('after it a signal stops nothing: the old one would stay beside the new one', async () => {
    const abort = new AbortController()
    const signals: boolean[] = []
    const interrupt = (): Promise<void> => {
      abort.abort(new DrayError('interrupted', 'stopped by SIGINT (2)'))
      return Promise.resolve()
    }
    const look = (_state: object, { signal }: StepContext): Promise<void> => Promise.resolve(void signals.push(signal.aborted))
    await committed(interrupt).act('tidy', look).run(job, new Recorder().context(abort.signal))
    expect(signals).toEqual([false])
  })

  test('a failure right before it is rolled back', async () => {
    const pipeline = threeSteps().act('switch', failing('no')).pointOfNoReturn().act('retire', nothing)
    expect(await failureOf(pipeline.run(job, new Recorder().context()))).toMatchObject({ exitCode: 40, committed: false })
  })
})

describe('a signal', () => {
  const firing = (abort: AbortController, reason: DrayError) => (): Promise<void> => {
    abort.abort(reason)
    return Promise.resolve()
  }
  const stopped = { SIGINT: new DrayError('interrupted', 'stopped by SIGINT (2)'), SIGTERM: new DrayError('terminated', 'stopped by SIGTERM (15)') }

  test.each([['SIGINT', 130], ['SIGTERM', 143]] as const)('%s in a step: rolled back, exit %i', async (name, exitCode) => {
    const abort = new AbortController()
    const recorder = new Recorder()
    const pipeline = threeSteps().act('load', () => {
      abort.abort(stopped[name])
      return Promise.reject(new Error('aborted'))
    })
    const error = await failureOf(pipeline.run(job, recorder.context(abort.signal)))
    expect(error).toMatchObject({ exitCode, step: 'load', undone: ['stop it', 'remove copy'], cause: stopped[name] })
    expect(recorder.log.slice(-5)).toEqual(['failed load', 'undo stop it', 'undo remove copy', 'cleanup untag', 'cleanup drop staging'])
  })

  test('before the first step: nothing runs, and the code is the signal\'s', async () => {
    const recorder = new Recorder()
    expect(await failureOf(threeSteps().run(job, recorder.context(AbortSignal.abort(stopped.SIGTERM))))).toMatchObject({ exitCode: 143, undone: [] })
    expect(recorder.log).toEqual([])
  })

  test('after a step that ended well although the signal came: the next does not begin, and that step is undone', async () => {
    const abort = new AbortController()
    const recorder = new Recorder()
    const pipeline = threeSteps().act('load', firing(abort, stopped.SIGINT), { undo: way('unload') }).act('never', nothing)
    expect(await failureOf(pipeline.run(job, recorder.context(abort.signal)))).toMatchObject({ exitCode: 130, undone: ['unload', 'stop it', 'remove copy'] })
    expect(recorder.log).not.toContain('start never')
  })

  test('in the last step, which ended well: the run has succeeded', async () => {
    const abort = new AbortController()
    const pipeline = threeSteps().act('load', firing(abort, stopped.SIGINT), { undo: way('unload') })
    expect((await pipeline.run(job, new Recorder().context(abort.signal))).leftBehind).toEqual([])
  })

  test('undo and cleanup get a signal that has not fired', async () => {
    const abort = new AbortController()
    const signals: boolean[] = []
    const look = (_state: object, context: StepContext): Promise<void> => Promise.resolve(void signals.push(context.signal.aborted))
    const pipeline = Pipeline.named<Job>('x').act('one', firing(abort, stopped.SIGINT), { undo: way('u', look), cleanup: way('c', look) }).act('two', nothing)
    expect(await failureOf(pipeline.run(job, new Recorder().context(abort.signal)))).toMatchObject({ exitCode: 130 })
    expect(signals).toEqual([false, false])
  })

  test('and an undo that fails: 41, with the signal as the cause', async () => {
    const abort = new AbortController()
    const pipeline = Pipeline.named<Job>('x').act('one', firing(abort, stopped.SIGINT), { undo: way('put back', failing('gone')) }).act('two', nothing)
    expect(await failureOf(pipeline.run(job, new Recorder().context(abort.signal)))).toMatchObject({ exitCode: 41, cause: stopped.SIGINT })
  })
})

describe('a conditional step', () => {
  const pipeline = (running: boolean): Pipeline<Job, Job & { running: boolean }> => Pipeline.named<Job>('x')
    .step('inspect', () => Promise.resolve({ running }))
    .actIf(state => state.running, 'stop', nothing, { undo: way('start again') })
    .act('load', failing('no'))

  test('that does not apply is skipped, and not undone', async () => {
    const recorder = new Recorder()
    await failureOf(pipeline(false).run(job, recorder.context()))
    expect(recorder.log).toEqual(['start inspect', 'done inspect', 'skipped stop', 'start load', 'failed load'])
  })

  test('that applies is undone', async () => {
    expect(await failureOf(pipeline(true).run(job, new Recorder().context()))).toMatchObject({ undone: ['start again'] })
  })

  test('whose condition throws fails as the step does: what was done is undone', async () => {
    const throwing = threeSteps().actIf(() => { throw new TypeError('a bug') }, 'odd', nothing)
    expect(await failureOf(throwing.run(job, new Recorder().context()))).toMatchObject({ exitCode: 40, step: 'odd', undone: ['stop it', 'remove copy'] })
  })
})

test('the plan names steps, ways back and conditions, and runs nothing; a route is a part of it', () => {
  const route = (before: Pipeline<Job>): Pipeline<Job> => before.act('push', failing('ran'), { cleanup: way('delete pushed') }).act('pull', failing('ran'), { undo: way('remove received') })
  const pipeline = Pipeline.named<Job>('migrate').actIf(() => true, 'stop source', failing('ran'), { undo: way('start source') }).use(route).pointOfNoReturn().act('retire', failing('ran'))
  expect(pipeline.plan()).toEqual([
    { name: 'stop source', undo: 'start source', conditional: true },
    { name: 'push', cleanup: 'delete pushed', conditional: false },
    { name: 'pull', undo: 'remove received', conditional: false },
    { name: 'retire', conditional: false },
  ])
})

test('a pipeline is a value: adding a step gives a new one', () => {
  const base = threeSteps()
  base.act('more', nothing)
  expect(base.plan()).toHaveLength(3)
})
