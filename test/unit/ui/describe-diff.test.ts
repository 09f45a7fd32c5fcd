import { expect, test } from '@jest/globals'
import { differenceLine } from '../../../src/ui/describe-diff.ts'
import type { PlacedEntry } from '../../../src/store/toc-entry.ts'

const file = (size: number): PlacedEntry => ({ path: Buffer.from('./log'), type: 'f', size, mode: 0o644, uid: 0, gid: 0, mtime: '1.0', bytes: 1024, headerBytes: 512, offset: 0 })

test.each([
  [10, 16, 'size 10 B -> 16 B'],
  [100_000, 100_004, 'size 100,000 -> 100,004 bytes'],
  [100_000, 200_000, 'size 97.7 KiB -> 195 KiB'],
])('from %d to %d bytes', (before, after, text) => {
  expect(differenceLine({ change: 'changed', before: file(before), after: file(after), what: ['size'] })).toContain(`(${text})`)
})

test('of a file whose time is another one alone nobody has compared the content', () => {
  const changed = (what: ('time' | 'mode')[]) => differenceLine({ change: 'changed', before: file(5), after: file(5), what })
  expect(changed(['time'])).toContain('(time, perhaps content)')
  expect(changed(['mode'])).not.toContain('content')
})
