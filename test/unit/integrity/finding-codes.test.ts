import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { findingCodes, type FindingMeaning } from '../../../src/integrity/finding-codes.ts'
import { repositoryFindingCodes } from '../../../src/integrity/repository-finding-codes.ts'

test.each([['image-archive-checks', findingCodes], ['repository-checks', repositoryFindingCodes]])('docs/%s.md has a row for every code, and no other', (name, codes) => {
  const page = readFileSync(new URL(`../../../../docs/${name}.md`, import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \| (\w+) \| (.*?) \| (.*?) \|$/gm)].map(([, code, severity, meaning, remedy]) => ({ code, severity, meaning, remedy }))
  expect(rows).toEqual(Object.entries(codes as Readonly<Record<string, FindingMeaning>>).map(([code, each]) => ({ code, ...each })))
})
