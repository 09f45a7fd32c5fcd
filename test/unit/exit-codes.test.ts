import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { exitCodes, exitMeanings, type ErrorCode } from '../../src/errors/exit-codes.ts'

test('docs/exit-codes.md has a row for every code, and no other', () => {
  const page = readFileSync(new URL('../../../docs/exit-codes.md', import.meta.url), 'utf8')
  const rows = page.split('\n').filter(line => /^\| \d/.test(line))
  const expected = Object.entries(exitCodes).map(([code, exit]) => `| ${exit} | \`${code}\` | ${exitMeanings[code as ErrorCode]} |`)
  expect(rows).toEqual(expected)
})
