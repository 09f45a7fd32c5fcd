import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Demultiplexer } from '../../src/engine/demultiplexer.ts'

type Frame = { readonly kind: 1 | 2; readonly bytes: Buffer }

const frames = fc.array(fc.record<Frame>({ kind: fc.constantFrom(1, 2), bytes: fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes)) }), { maxLength: 30 })

function encode(sent: readonly Frame[]): Buffer {
  return Buffer.concat(sent.flatMap(({ kind, bytes }) => {
    const header = Buffer.alloc(8)
    header[0] = kind
    header.writeUInt32BE(bytes.length, 4)
    return [header, bytes]
  }))
}

function split(body: Buffer, cuts: readonly number[]): Readable {
  const at = [...new Set([0, ...cuts.map(cut => cut % (body.length + 1)), body.length])].sort((left, right) => left - right)
  return Readable.from(at.slice(1).map((end, index) => body.subarray(at[index], end)), { objectMode: false })
}

async function read(stream: Readable): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of stream as AsyncIterable<Buffer>) pieces.push(piece)
  return Buffer.concat(pieces)
}

const cuts = fc.array(fc.nat(), { maxLength: 40 })

test('any split of any frames gives both streams back', async () => {
  await fc.assert(fc.asyncProperty(frames, cuts, async (sent, at) => {
    const streams = new Demultiplexer()
    const [, stdout, stderr] = await Promise.all([pipeline(split(encode(sent), at), streams), read(streams.stdout), read(streams.stderr)])
    const expected = (kind: number): Buffer => Buffer.concat(sent.filter(frame => frame.kind === kind).map(frame => frame.bytes))
    expect([stdout.equals(expected(1)), stderr.equals(expected(2))]).toEqual([true, true])
  }))
})

test('an end inside a frame fails both streams', async () => {
  await fc.assert(fc.asyncProperty(frames, cuts, fc.integer({ min: 1, max: 7 }), async (sent, at, missing) => {
    const body = encode([...sent, { kind: 1, bytes: Buffer.alloc(9) }])
    const streams = new Demultiplexer()
    const failure = { code: 'engine-unreachable' }
    await Promise.all([
      expect(pipeline(split(body.subarray(0, body.length - missing), at), streams)).rejects.toMatchObject(failure),
      expect(read(streams.stdout)).rejects.toMatchObject(failure),
      expect(read(streams.stderr)).rejects.toMatchObject(failure),
    ])
  }))
})

test('bytes that are no frames are refused', async () => {
  const streams = new Demultiplexer()
  streams.stdout.on('error', () => undefined)
  await expect(pipeline(Readable.from([Buffer.from('hello world')], { objectMode: false }), streams)).rejects.toMatchObject({ code: 'refused' })
})

test('a frame larger than memory likes is passed on as it comes, at the speed of its reader', async () => {
  const size = 512 * 1024 * 1024
  const piece = Buffer.alloc(1024 * 1024)
  let sent = 0
  const source = Readable.from((function* () {
    const header = Buffer.alloc(8)
    header[0] = 1
    header.writeUInt32BE(size, 4)
    yield header
    while (sent < size) {
      sent += piece.length
      yield piece
    }
  })(), { objectMode: false })
  const streams = new Demultiplexer()
  const done = pipeline(source, streams)
  let received = 0
  let farthest = 0
  for await (const bytes of streams.stdout as AsyncIterable<Buffer>) {
    received += bytes.length
    farthest = Math.max(farthest, sent - received)
  }
  await done
  expect(received).toBe(size)
  expect(farthest).toBeLessThan(16 * 1024 * 1024)
})
