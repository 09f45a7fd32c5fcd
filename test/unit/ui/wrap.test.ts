import { execFileSync } from 'node:child_process'
import { expect, test } from '@jest/globals'
import { wrapCommand, wrapText, wrapTitled } from '../../../src/ui/wrap.ts'

test.each([
  ['', 10, {}, ''],
  ['one two', 10, {}, 'one two'],
  ['one two three', 7, {}, 'one two\nthree'],
  ['one two three', 6, {}, 'one\ntwo\nthree'],
  ['one two three', 9, { column: 4, indent: '  ' }, 'one\n  two\n  three'],
  ['anotherone', 12, { column: 4, indent: '  ' }, '\n  anotherone'],
  ['a-word-that-is-longer than', 10, {}, 'a-word-that-is-longer\nthan'],
  ['  two   columns here', 16, {}, '  two   columns\nhere'],
])('%j in %d columns', (text, width, options, lines) => {
  expect(wrapText(text, width, options)).toBe(lines)
})

test.each([
  ['  makes    volume "data": 7 entries', 26, '  makes    volume "data":\n           7 entries'],
  ['would restore container "web" from backup', 30, 'would restore container "web"\nfrom backup'],
  ['  state: running (since a while)', 20, '  state: running\n  (since a while)'],
  ['a-title-that-is-long  and more', 24, 'a-title-that-is-long\n  and more'],
])('%j: what follows a title stands below', (line, width, lines) => {
  expect(wrapTitled(line, width)).toBe(lines)
})

test.each([30, 40, 200])('a command in %d columns is the same command to a shell', width => {
  const words = ['printf', '%s.', "'two words'", '--option', "'it'\\''s'", '/a/path/that/is/longer/than/any/line']
  const text = wrapCommand(words, width, '  ')
  for (const line of text.split('\n')) if (line.trimStart().split(' ').length > 2) expect(line.length).toBeLessThanOrEqual(width)
  expect(text).toContain(" --option 'it'")
  expect(execFileSync('sh', ['-c', text], { encoding: 'utf8' })).toBe("two words.--option.it's./a/path/that/is/longer/than/any/line.")
})
