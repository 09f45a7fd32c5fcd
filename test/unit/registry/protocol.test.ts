import { describe, expect, test } from '@jest/globals'
import { parseChallenge } from '../../../src/registry/authorization.ts'
import { readRetryAfter } from '../../../src/registry/retry.ts'
import { inPieces } from '../../../src/registry/send-blob.ts'
import { childTag, idTags } from '../../../src/store/backup-tags.ts'

describe('challenges', () => {
  test.each([
    ['Bearer realm="https://auth.example.org/token",service="registry, of sorts",scope="repository:a/b:pull"', { scheme: 'bearer', realm: 'https://auth.example.org/token', service: 'registry, of sorts' }],
    ['bearer realm="https://a/t"', { scheme: 'bearer', realm: 'https://a/t', service: undefined }],
    ['Basic realm="lab"', { scheme: 'basic' }],
    ['Basic realm="lab", Bearer realm="https://a/t"', { scheme: 'bearer', realm: 'https://a/t', service: undefined }],
    ['Bearer service="x"', undefined],
    ['Negotiate', undefined],
    ['', undefined],
  ])('%s', (header, expected) => {
    expect(parseChallenge(header)).toEqual(expected)
  })
})

test('Retry-After is seconds, or a date', () => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  expect([readRetryAfter('3', now), readRetryAfter('Thu, 01 Jan 2026 00:00:05 GMT', now), readRetryAfter('Thu, 01 Jan 2015 00:00:00 GMT', now), readRetryAfter('soon', now), readRetryAfter(undefined, now)]).toEqual([3000, 5000, 0, undefined, undefined])
})

test.each([[[0], []], [[1], [1]], [[9], [9]], [[10], [10]], [[11], [10, 1]], [[4, 4, 4, 10, 25], [10, 10, 10, 10, 7]]])('pieces of 10 out of %j', async (lengths, expected) => {
  const bytes = Buffer.from(Array.from({ length: lengths.reduce((sum, each) => sum + each, 0) }, (_, at) => at))
  let at = 0
  const source = lengths.map(length => bytes.subarray(at, (at += length)))
  const pieces: Buffer[] = []
  for await (const piece of inPieces((async function* () {
    for (const each of source) yield await Promise.resolve(each)
  })(), 10)) pieces.push(piece)
  expect(pieces.map(({ length }) => length)).toEqual(expected)
  expect(Buffer.concat(pieces).equals(bytes)).toBe(true)
})

test('tags of a backup, and what may be one', () => {
  expect([childTag('20260131-040506-1a2b3c', 0), childTag('a', 11)]).toEqual(['20260131-040506-1a2b3c.m1', 'a.m12'])
  expect(() => childTag('x'.repeat(127), 0)).toThrow(/too long/)
  expect(idTags(['a', 'a.m1', 'a.m12', 'b.m', 'newest'])).toEqual(['a', 'b.m', 'newest'])
})
