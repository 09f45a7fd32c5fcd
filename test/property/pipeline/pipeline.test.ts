import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { Pipeline, type PipelineError } from '../../../src/pipeline/pipeline.ts'
import { Recorder } from '../../unit/pipeline/recorder.ts'

type Step = { readonly fails: boolean; readonly applies: boolean; readonly undo: 'none' | 'works' | 'fails'; readonly cleanup: 'none' | 'works' | 'fails' }

const way = fc.constantFrom('none' as const, 'works' as const, 'works' as const, 'fails' as const)
const step = fc.record({ fails: fc.integer({ min: 0, max: 6 }).map(n => n === 0), applies: fc.boolean(), undo: way, cleanup: way })

function build(steps: readonly Step[], commitAfter: number, log: string[]): Pipeline<object> {
  const act = (kind: string, at: number, fails: boolean) => (): Promise<void> => {
    log.push(`${kind} ${at}`)
    return fails ? Promise.reject(new Error(`${kind} ${at}`)) : Promise.resolve()
  }
  return steps.reduce((pipeline, { fails, applies, undo, cleanup }, at) => {
    const ways = {
      ...(undo === 'none' ? {} : { undo: { name: `undo ${at}`, run: act('undo', at, undo === 'fails') } }),
      ...(cleanup === 'none' ? {} : { cleanup: { name: `cleanup ${at}`, run: act('cleanup', at, cleanup === 'fails') } }),
    }
    const next = pipeline.actIf(() => applies, `step ${at}`, act('step', at, fails), ways)
    return at === commitAfter ? next.pointOfNoReturn() : next
  }, Pipeline.named<object>('any'))
}

test('whatever fails, each completed step is undone and cleaned up once, newest first, and the outcome tells the truth', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.integer({ min: -1, max: 11 }), async (steps, commitAfter) => {
    const log: string[] = []
    const outcome = await build(steps, commitAfter, log).run({}, new Recorder().context()).then(
      ({ leftBehind }) => ({ failed: false, leftBehind, undone: [] as readonly string[], exitCode: 0 }),
      (thrown: unknown) => {
        const { leftBehind = [], undone = [], exitCode = 1 } = thrown as Partial<PipelineError>
        return { failed: true, leftBehind, undone, exitCode }
      },
    )
    const failedAt = steps.findIndex(({ applies, fails }) => applies && fails)
    const ran = steps.flatMap(({ applies }, at) => (applies && (failedAt < 0 || at <= failedAt) ? [at] : []))
    const newestFirst = ran.filter(at => at !== failedAt).reverse()
    const isCommitted = commitAfter >= 0 && commitAfter < steps.length && (failedAt < 0 || commitAfter < failedAt)
    const undos = failedAt < 0 || isCommitted ? [] : newestFirst.filter(at => steps[at]?.undo !== 'none').map(at => `undo ${at}`)
    const cleanups = newestFirst.filter(at => steps[at]?.cleanup !== 'none').map(at => `cleanup ${at}`)
    expect(log).toEqual([...ran.map(at => `step ${at}`), ...undos, ...cleanups])

    const bad = (name: string): boolean => { const [kind, at] = name.split(' '); return steps[Number(at)]?.[kind as 'undo' | 'cleanup'] === 'fails' }
    const left = [...undos, ...cleanups].filter(bad)
    expect(outcome.failed).toBe(failedAt >= 0)
    expect(outcome.leftBehind.map(({ what }) => what)).toEqual(left)
    expect(outcome.undone).toEqual(undos.filter(name => !bad(name)))
    const expected = failedAt < 0 ? 0 : isCommitted ? 42 : left.length > 0 ? 41 : outcome.undone.length > 0 ? 40 : 1
    expect(outcome.exitCode).toBe(expected)
  }), { numRuns: 500 })
})
