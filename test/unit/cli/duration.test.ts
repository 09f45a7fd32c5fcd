import '../../one-realm.ts'
import { expect, test } from '@jest/globals'
import { parseDuration } from '../../../src/cli/duration.ts'

const hour = 3_600_000
test.each([
  ['0', 0], ['0s', 0], ['90s', 90_000], ['90min', 1.5 * hour], ['12h', 12 * hour], ['30d', 720 * hour], ['2w', 336 * hour], ['1mo', 744 * hour], ['1y6mo', (366 + 186) * 24 * hour],
])('%s is %i ms', (text, ms) => {
  expect(parseDuration(text, 'wait')).toBe(ms)
})

test.each([
  ['6m', '"6m" of --wait is not a duration: "m" could be minutes or months, write "min" or "mo"'],
  ['5', '"5" of --wait is not a duration: it needs a unit'],
  ['5 d', '"5 d" of --wait is not a duration'], ['-5d', '"-5d" of --wait is not a duration'], ['1.5h', '"1.5h" of --wait is not a duration'], ['5D', '"5D" of --wait is not a duration'],
  ['5x', '"5x" of --wait is not a duration: "x" is not a unit'], ['soon', '"soon" of --wait is not a duration'], ['5dd', '"5dd" of --wait is not a duration: "dd" is not a unit'],
])('%s is refused', (text, message) => {
  expect(() => parseDuration(text, 'wait')).toThrow(message)
})
