import { describe, expect, test } from '@jest/globals'
import { Readable } from 'node:stream'
import { readLoadReport } from '../../../src/engine/load-images.ts'
import { failureIn, readNdjson } from '../../../src/engine/ndjson.ts'

/** Bodies as engines sent them. */
const loaded28 = '{"stream":"Loaded image: app:1\\n"}\r\n'
const progress20 = '{"status":"Loading layer","progressDetail":{"current":32768,"total":2115584},"progress":"[\\u003e  ]  32.77kB/2.116MB","id":"0b16ab2571f4"}\r\n{"stream":"Loaded image ID: sha256:5ae20c\\n"}\r\n'
const truncated20 = '{"errorDetail":{"message":"Error processing tar file(exit status 1): unexpected EOF"},"error":"Error processing tar file(exit status 1): unexpected EOF"}\r\n'
const unpacking28 = '{"stream":"Loaded image: app:1\\n"}\r\n{"stream":"Error unpacking image app:1: failed to extract layer: wrong diff id"}\r\n'
const umlauts = '{"stream":"Loaded image: größe/äöü:1 – 😀\\n"}'

const inChunks = (text: string, size: number): Readable => Readable.from((function* () {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
})(), { objectMode: false })

const collect = async (source: AsyncIterable<Uint8Array>): Promise<unknown[]> => {
  const values: unknown[] = []
  for await (const value of readNdjson(source)) values.push(value)
  return values
}

describe('readNdjson', () => {
  test.each([['28', loaded28], ['20.10', progress20], ['truncated', truncated20], ['unpacking', unpacking28], ['umlauts', umlauts]])('%s, in chunks of every size', async (_name, body) => {
    const expected = body.split('\r\n').filter(line => line !== '').map(line => JSON.parse(line) as unknown)
    for (let size = 1; size <= Buffer.byteLength(body); size++) expect(await collect(inChunks(body, size))).toEqual(expected)
  })

  test('blank lines are nothing, and the last line needs no end', async () => {
    expect(await collect(inChunks('\n\r\n{"a":1}\n\n2', 1))).toEqual([{ a: 1 }, 2])
    expect(await collect(inChunks('', 1))).toEqual([])
  })

  test('what is not JSON fails', async () => {
    await expect(collect(inChunks('{"a":1}\n<html>\n', 3))).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('"<html>"') })
    await expect(collect(inChunks('{"a":1}\n{"b":', 3))).rejects.toMatchObject({ code: 'refused' })
  })

  test('a failure of the source is passed on', async () => {
    const failure = new Error('cut')
    const source = Readable.from((function* () {
      yield Buffer.from('{"a":1}\n')
      throw failure
    })(), { objectMode: false })
    await expect(collect(source)).rejects.toBe(failure)
  })
})

test.each([
  [{ errorDetail: { message: 'no' }, error: 'no!' }, 'no'],
  [{ errorDetail: { code: 1, message: 'no' } }, 'no'],
  [{ error: 'only this' }, 'only this'],
  [{ errorDetail: { code: 7 } }, '{"code":7}'],
  [{ error: '' }, undefined],
  [{ stream: 'error' }, undefined],
  [null, undefined],
  ['error', undefined],
])('the failure in %j', (value, failure) => {
  expect(failureIn(value)).toBe(failure)
})

describe('readLoadReport', () => {
  test('names and ids', async () => {
    expect(await readLoadReport(inChunks(loaded28 + progress20 + umlauts, 7), 'loading')).toEqual({ names: ['app:1'], ids: ['sha256:5ae20c'] })
  })

  test.each([
    [truncated20, 'refused', 'loading: Error processing tar file(exit status 1): unexpected EOF'],
    [unpacking28, 'refused', 'loading: Error unpacking image app:1: failed to extract layer: wrong diff id'],
    ['{"errorDetail":{"message":"write /x: no space left on device"}}', 'io-failed', 'loading: write /x: no space left on device'],
  ])('%s', async (body, code, message) => {
    await expect(readLoadReport(inChunks(body, 5), 'loading')).rejects.toMatchObject({ code, message })
  })
})
