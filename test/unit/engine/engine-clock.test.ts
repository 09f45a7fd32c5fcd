import { expect, test } from '@jest/globals'
import { toUnixTime } from '../../../src/engine/engine-clock.ts'

test.each([
  ['2026-11-21T07:10:25.123456789Z', '1795245025.123456789'], ['2026-11-21T07:10:25Z', '1795245025.000000000'], ['2026-11-21T09:10:25.5+02:00', '1795245025.500000000'],
  ['2026-11-21T02:10:25.000001-05:00', '1795245025.000001000'], ['undefined', undefined], ['2026-11-21', undefined], ['2026-13-45T07:10:25Z', undefined],
])('the engine\'s time %s is %s', (text, seconds) => {
  expect(toUnixTime(text)).toBe(seconds)
})
