import { expect, test } from '@jest/globals'
import { didYouMean, similarName } from '../../../src/errors/similar-name.ts'

test.each([
  ['wbe', ['db', 'web', 'cache'], 'web'],
  ['postgrse', ['postgres', 'postgrest'], 'postgres'],
  ['web1', ['web', 'web2'], 'web'],
  ['weeb', ['web'], 'web'],
  ['web', ['web'], 'web'],
  ['web', ['database', 'x', ''], undefined],
  ['x', ['y', 'z'], undefined],
  ['', ['a'], undefined],
])('%s', (typed, names, meant) => {
  expect(similarName(typed, names)).toBe(meant)
  expect(didYouMean(typed, names)).toEqual(meant === undefined ? [] : [`did you mean "${meant}"?`])
})
