import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { findingCodes } from '../../../src/integrity/finding-codes.ts'

test('docs/image-archive-checks.md has a row for every code, and no other', () => {
  const page = readFileSync(new URL('../../../../docs/image-archive-checks.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \| (\w+) \| (.*?) \| (.*?) \|$/gm)].map(([, code, severity, meaning, remedy]) => ({ code, severity, meaning, remedy }))
  expect(rows).toEqual(Object.entries(findingCodes).map(([code, each]) => ({ code, ...each })))
})
