import { describe, expect, test } from '@jest/globals'
import { formatYaml, parseYaml } from '../../../src/files/yaml.ts'

describe('parseYaml', () => {
  test('knows the line of each value, and of the nearest when one is missing', () => {
    const { value, lineOf } = parseYaml('jobs:\n  nightly:\n    keep:\n      daily: 7\n    hosts:\n      - a\n      - b\n', { fileName: 'c.yaml' })
    expect(value).toEqual({ jobs: { nightly: { keep: { daily: 7 }, hosts: ['a', 'b'] } } })
    expect(lineOf(['jobs', 'nightly', 'keep', 'daily'])).toBe(4)
    expect(lineOf(['jobs', 'nightly', 'hosts', 1])).toBe(7)
    expect(lineOf(['jobs', 'nightly', 'hosts', 9, 'x'])).toBe(6)
    expect(lineOf(['nothing'])).toBe(1)
  })

  test.each([
    ['a: [1', /^c\.yaml:1: /],
    ['a: 1\nb: 2\na: 3\n', /^c\.yaml:3: the key "a" is there twice/],
    ['a: 1\n---\nb: 2\n', /^c\.yaml:\d: /],
    ['a: &x [1]\nb: *y\n', /^c\.yaml: .*: y$/],
  ])('says the line of what is no YAML: %j', (text, message) => {
    expect(() => parseYaml(text, { fileName: 'c.yaml' })).toThrow(message)
  })
})

test('formatYaml keeps long lines and texts that look like other things', () => {
  const value = { a: 'x'.repeat(300), b: 'yes', c: '012', d: 'a: b', e: ['1', null, 2], f: 'two\nlines\n' }
  expect(parseYaml(formatYaml(value), { fileName: 'c' }).value).toEqual(value)
  expect(formatYaml(value).split('\n')[0]).toBe(`a: ${'x'.repeat(300)}`)
})
