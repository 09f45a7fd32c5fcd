import { describe, expect, test } from '@jest/globals'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { gzipSync } from 'node:zlib'
import { decompress, decompressStream, detectCompression } from '../../../src/archive/decompress-stream.ts'
import { gzipMembers } from '../../../src/archive/gzip-members.ts'

const damaged: unknown = expect.objectContaining({ code: 'damaged' })
const noise = Buffer.concat(Array.from({ length: 4000 }, (_, i) => createHash('sha256').update(String(i)).digest()))
const plain = Buffer.concat([noise, Buffer.from(Array.from({ length: 60_000 }, (_, i) => `line ${i * 7919}\n`).join('')), noise])
const run = (program: string, args: string[], input: Buffer) => execFileSync(program, args, { input, maxBuffer: 2 ** 30, stdio: ['pipe', 'pipe', 'ignore'] })

async function collect(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of source) pieces.push(piece)
  return Buffer.concat(pieces)
}

async function decoded(kind: 'gzip' | 'zstd' | 'xz' | 'bzip2', pieces: Buffer[]): Promise<Buffer> {
  const out: Buffer[] = []
  await pipeline(Readable.from(pieces), decompressStream(kind), async (source: AsyncIterable<Buffer>) => {
    for await (const piece of source) out.push(piece)
  })
  return Buffer.concat(out)
}

const cutUp = (bytes: Buffer, size: number) => Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size))

const programs = { gzip: ['gzip', '-c'], zstd: ['zstd', '-cq', '--check'], xz: ['xz', '-c0'], bzip2: ['bzip2', '-c'] } as const
const installed = (Object.keys(programs) as (keyof typeof programs)[]).filter(kind => {
  try {
    run(programs[kind][0], ['--version'], Buffer.alloc(0))
    return true
  } catch {
    return false
  }
})

test('the programs that must be there are', () => expect(installed).toEqual(expect.arrayContaining(['gzip', 'zstd'])))

describe.each(installed)('%s', kind => {
  const [program, ...args] = programs[kind]
  const pack = (bytes: Buffer) => run(program, args, bytes)
  const stored = pack(plain)

  test('is decoded, in one and in several parts, however the bytes arrive', async () => {
    expect((await decoded(kind, [stored])).equals(plain)).toBe(true)
    const several = Buffer.concat([stored, pack(Buffer.alloc(0)), pack(noise), stored])
    const whole = Buffer.concat([plain, noise, plain])
    for (const size of [several.length, 65_536, 4099]) expect((await decoded(kind, cutUp(several, size))).equals(whole)).toBe(true)
    expect((await decoded(kind, [stored, Buffer.alloc(0), stored])).equals(Buffer.concat([plain, plain]))).toBe(true)
    const small = pack(Buffer.from('hello'))
    expect((await decoded(kind, cutUp(Buffer.concat([small, small]), 1))).toString()).toBe('hellohello')
  })

  test('cut, changed or followed by anything is damage', async () => {
    for (const length of [1, 5, 17, stored.length >> 1, stored.length - 1]) await expect(decoded(kind, [stored.subarray(0, length)])).rejects.toEqual(damaged)
    await expect(decoded(kind, [stored, stored.subarray(0, 50)])).rejects.toEqual(damaged)
    for (const tail of ['\0', '\0'.repeat(1001), 'garbage', 'x'.repeat(100_000), '\0'.repeat(9) + stored.toString('latin1')]) {
      await expect(decoded(kind, [stored, Buffer.from(tail, 'latin1')])).rejects.toEqual(damaged)
      await expect(decoded(kind, [Buffer.concat([stored, Buffer.from(tail, 'latin1')])])).rejects.toEqual(damaged)
    }
    const changed = Buffer.from(stored)
    changed[changed.length >> 1]! ^= 4
    await expect(decoded(kind, [changed])).rejects.toEqual(damaged)
  })

  test('an error and an end of the source pass through, and leaving early ends it', async () => {
    const failing = async function* () {
      yield stored.subarray(0, 1000)
      await Promise.resolve()
      throw new Error('connection lost')
    }
    await expect(collect(decompress(kind, failing()))).rejects.toThrow('connection lost')
    let closed = false
    const endless = async function* () {
      try {
        for (;;) {
          yield stored
          await Promise.resolve()
        }
      } finally {
        closed = true
      }
    }
    for await (const piece of decompress(kind, endless())) if (piece.length > 0) break
    expect(closed).toBe(true)
  })

  test('an abort ends it while the source stalls', async () => {
    const abort = new AbortController()
    const stalled = new Readable({ read: () => undefined })
    stalled.push(stored.subarray(0, stored.length >> 1))
    const decoder = decompressStream(kind)
    const piping = pipeline(stalled, decoder, new Writable({ write: (_, __, done) => done() }), { signal: abort.signal })
    // all that there is has been taken: the decoder waits for more
    while (stalled.readableLength > 0 || decoder.writableLength > 0) await new Promise(setImmediate)
    abort.abort()
    await expect(piping).rejects.toMatchObject({ name: 'AbortError' })
    if (!decoder.closed) await once(decoder, 'close')
  })

  test('is recognised', async () => {
    const { compression, bytes } = await detectCompression(Readable.from(cutUp(stored.subarray(0, 10_000), 3)))
    expect(compression).toBe(kind)
    expect((await collect(bytes)).equals(stored.subarray(0, 10_000))).toBe(true)
  })
})

test('skippable zstd frames are passed over, in a stream too', async () => {
  const skippable = Buffer.concat([Buffer.from([0x5f, 0x2a, 0x4d, 0x18, 0, 0, 2, 0]), Buffer.alloc(2 << 16)])
  const stored = run('zstd', ['-cq'], plain)
  for (const size of [4001, 2 ** 30]) expect((await decoded('zstd', cutUp(Buffer.concat([skippable, stored, skippable, stored, skippable]), size))).equals(Buffer.concat([plain, plain]))).toBe(true)
  await expect(decoded('zstd', [stored, skippable.subarray(0, -1)])).rejects.toEqual(damaged)
})

test('an empty source is no compression at all', async () => {
  const { compression, bytes } = await detectCompression(Readable.from([]))
  expect(compression).toBe('none')
  expect((await collect(bytes)).length).toBe(0)
  await expect(decoded('gzip', [])).rejects.toEqual(damaged)
})

test('a missing program is named, with a way out', async () => {
  const path = process.env['PATH']
  process.env['PATH'] = '/nonexistent'
  try {
    await expect(decoded('xz', [noise])).rejects.toMatchObject({ code: 'io-failed', message: 'xz data cannot be read here: "xz" is not installed', hints: ['install the package xz-utils on this machine'] })
  } finally {
    process.env['PATH'] = path
  }
})

describe('gzip members', () => {
  const members = async (pieces: Buffer[], options = {}) => {
    const out: Buffer[] = []
    await pipeline(Readable.from(pieces), gzipMembers({ memberBytes: 100_000, level: 1, ...options }), async (source: AsyncIterable<Buffer>) => {
      for await (const piece of source) out.push(piece)
    })
    return out
  }

  test('are the plain bytes to gzip and zstd, and do not depend on how they were written', async () => {
    const stored = await members([plain])
    const first = gzipSync(plain.subarray(0, 100_000), { level: 1 })
    expect(Buffer.concat(stored).subarray(0, first.length).equals(first)).toBe(true)
    for (const program of ['gzip', 'zstd']) expect(run(program, ['-dc'], Buffer.concat(stored)).equals(plain)).toBe(true)
    for (const size of [1, 999, 65_536]) {
      const input = size === 1 ? plain.subarray(0, 3000) : plain
      expect(Buffer.concat(await members(cutUp(input, size))).equals(Buffer.concat(await members([input], { inFlight: 1 })))).toBe(true)
    }
  })

  test('an empty stream is one empty member', async () => {
    expect(run('gzip', ['-dc'], Buffer.concat(await members([]))).length).toBe(0)
    expect(Buffer.concat(await members([])).equals(gzipSync(Buffer.alloc(0), { level: 1 }))).toBe(true)
  })

  test('keep the source waiting for a reader that does not read', async () => {
    let taken = 0
    const source = Readable.from((function* () {
      for (; taken < 1000; taken++) yield noise.subarray(0, 100_000)
    })())
    const packing = gzipMembers({ memberBytes: 100_000, level: 1, inFlight: 3 })
    const piping = pipeline(source, packing)
    await once(packing, 'readable')
    let before = -1
    while (before !== taken) {
      before = taken
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
    }
    expect(taken).toBeLessThan(40)
    packing.destroy(new Error('enough'))
    await expect(piping).rejects.toThrow('enough')
  })
})
