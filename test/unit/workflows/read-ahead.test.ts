import { Readable } from 'node:stream'
import { expect, test } from '@jest/globals'
import { ReadAhead } from '../../../src/workflows/steps/read-ahead.ts'

/** Pieces of ten bytes, and how many of them were taken. */
function pieces(count: number, failure?: Error): { source: Readable; taken: () => number } {
  let taken = 0
  function* give(): Generator<Buffer> {
    for (; taken < count; taken++) yield Buffer.alloc(10, taken)
    if (failure) throw failure
  }
  return { source: Readable.from(give(), { objectMode: false, highWaterMark: 1 }), taken: () => taken }
}

async function bytesOf(ahead: ReadAhead): Promise<Buffer> {
  const given = []
  for await (const bytes of ahead) given.push(bytes)
  return Buffer.concat(given)
}

test('the source ends before anything is taken from it, when there is room', async () => {
  const { source } = pieces(20)
  const ahead = new ReadAhead(source, 1000)
  await ahead.ended
  expect(await bytesOf(ahead)).toEqual(Buffer.concat(Array.from({ length: 20 }, (_, at) => Buffer.alloc(10, at))))
})

test('no more is held than there is room for, and all of it is given', async () => {
  const { source, taken } = pieces(100)
  const ahead = new ReadAhead(source, 50)
  let given = 0
  for await (const bytes of ahead) {
    given += bytes.length
    expect(taken() * 10 - given).toBeLessThanOrEqual(50 + 50 + 20)
  }
  expect(given).toBe(1000)
  await ahead.ended
})

test.each([['while there is room', 1000], ['when memory was full before', 30]])('a failure of the source is thrown, %s', async (_, limit) => {
  const failure = new Error('cut')
  const ahead = new ReadAhead(pieces(10, failure).source, limit)
  await expect(bytesOf(ahead)).rejects.toBe(failure)
  await expect(ahead.ended).rejects.toBe(failure)
})

test('who leaves the iteration ends the source', async () => {
  const { source } = pieces(100)
  const ahead = new ReadAhead(source, 30)
  for await (const bytes of ahead) if (bytes.length > 0) break
  expect(source.destroyed).toBe(true)
  await expect(ahead.ended).rejects.toThrow()
})

test('an empty source gives nothing', async () => {
  expect(await bytesOf(new ReadAhead(Readable.from([]), 10))).toEqual(Buffer.alloc(0))
})
