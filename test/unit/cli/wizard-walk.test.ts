import { expect, test } from '@jest/globals'
import { walk, type Step } from '../../../src/cli/wizard/walk.ts'
import { back } from '../../../src/ui/wizard/questions.ts'

/** A step that answers what is next in the script; `again` as long as the answer ends in a comma. */
function scripted(answers: string[], seen: string[]): Step<string> {
  return state => {
    const answer = answers.shift() ?? 'missing'
    seen.push(`${state}?`)
    return Promise.resolve(answer === 'esc' ? back : { state: state + answer, asked: true, again: answer.endsWith(',') })
  }
}

const silent: Step<string> = state => Promise.resolve({ state: `${state}.`, asked: false })

test('back leads over steps that asked nothing, to the state before the last answer', async () => {
  const seen: string[] = []
  const ask = scripted(['a', 'esc', 'b', 'c'], seen)
  expect(await walk([ask, silent, ask], '')).toBe('b.c')
  expect(seen).toEqual(['?', 'a.?', '?', 'b.?'])
})

test('back leads to the question before, within a step that asks several', async () => {
  const seen: string[] = []
  const ask = scripted(['a', 'x,', 'esc', 'y,', 'z'], seen)
  expect(await walk([ask, ask], '')).toBe('ay,z')
  expect(seen).toEqual(['?', 'a?', 'ax,?', 'a?', 'ay,?'])
})

test('back from the first question leaves', async () => {
  expect(await walk([silent, scripted(['esc'], [])], '')).toBe(back)
})
