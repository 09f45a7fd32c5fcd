import { describe, expect, test } from '@jest/globals'
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { Chunker, gearTable, type ChunkerParameters } from '../../../src/archive/chunker.ts'

const small: ChunkerParameters = { minBytes: 64, averageBytes: 256, maxBytes: 1024, seed: 'test' }

/** The documented rule, word by word: nothing shared with the program but the gear table. */
function referenceCuts(bytes: Buffer, { minBytes, averageBytes, maxBytes, seed }: ChunkerParameters): Buffer[] {
  const gear = gearTable(seed)
  const chunks: Buffer[] = []
  let start = 0
  for (let end = 1; end <= bytes.length; end++) {
    const length = end - start
    let hash = 0
    for (const byte of bytes.subarray(Math.max(start, end - 32), end)) hash = (hash * 2 + gear[byte]!) % 2 ** 32
    if ((length >= minBytes && hash < Math.floor(2 ** 32 / (averageBytes - minBytes))) || length === maxBytes || end === bytes.length) {
      chunks.push(bytes.subarray(start, end))
      start = end
    }
  }
  return chunks
}

function chunksOf(pieces: readonly Buffer[], parameters = small): Buffer[] {
  const chunker = new Chunker(parameters)
  const chunks = pieces.flatMap(piece => chunker.push(piece))
  const last = chunker.cut()
  expect(chunker.pendingBytes).toBe(0)
  return last ? [...chunks, last] : chunks
}

/** Pseudo-random bytes with runs of one byte in between, as files have them. */
function bytesFrom(seed: number, length: number): Buffer {
  const blocks: Buffer[] = []
  for (let n = 0, bytes = 0; bytes < length; n++, bytes += 32) blocks.push(n % 97 > 80 ? Buffer.alloc(32, n % 3) : createHash('sha256').update(`${seed}:${n}`).digest())
  return Buffer.concat(blocks).subarray(0, length)
}

function split(bytes: Buffer, at: readonly number[]): Buffer[] {
  const ends = [...at.map(n => n % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end))
}

const input = fc.record({ seed: fc.nat(), length: fc.integer({ min: 0, max: 12_000 }) }).map(({ seed, length }) => bytesFrom(seed, length))

describe('chunker', () => {
  test('cuts by the documented rule, however the bytes arrive', () => {
    fc.assert(fc.property(input, fc.array(fc.nat({ max: 20_000 }), { maxLength: 60 }), (bytes, at) => {
      const chunks = chunksOf(split(bytes, at))
      expect(chunks.map(chunk => chunk.toString('hex'))).toEqual(referenceCuts(bytes, small).map(chunk => chunk.toString('hex')))
      expect(Buffer.concat(chunks).equals(bytes)).toBe(true)
    }), { numRuns: 60 })
  })

  test('keeps to the sizes, and its mean to the average', () => {
    const chunks = chunksOf([bytesFrom(1, 4_000_000)]).slice(0, -1)
    const random = chunksOf([createRandom(2_000_000)]).slice(0, -1)
    for (const { length } of [...chunks, ...random]) expect(length >= small.minBytes && length <= small.maxBytes).toBe(true)
    const mean = 2_000_000 / random.length
    expect(mean).toBeGreaterThan(small.averageBytes * 0.9)
    expect(mean).toBeLessThan(small.averageBytes * 1.1)
  })

  test('finds its cuts again after an insertion', () => {
    fc.assert(fc.property(fc.nat(), fc.integer({ min: 0, max: 50_000 }), fc.uint8Array({ minLength: 1, maxLength: 300 }), (seed, at, inserted) => {
      const bytes = createRandom(100_000, seed)
      const changed = Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at)])
      const before = new Set(chunksOf([bytes]).map(chunk => chunk.toString('latin1')))
      const fresh = chunksOf([changed]).filter(chunk => !before.has(chunk.toString('latin1')))
      expect(fresh.reduce((sum, chunk) => sum + chunk.length, 0)).toBeLessThan(20_000)
    }), { numRuns: 30 })
  })

  test('a forced cut starts afresh', () => {
    fc.assert(fc.property(input, input, (first, second) => {
      const chunker = new Chunker(small)
      chunker.push(first)
      const rest = chunker.cut()
      expect(rest === undefined).toBe(first.length === 0 || referenceCuts(first, small).at(-1)!.length !== rest?.length)
      expect(Buffer.concat([...chunker.push(second), chunker.cut() ?? Buffer.alloc(0)]).equals(second)).toBe(true)
      expect(chunksOf([second])).toEqual(chunksOf(split(second, [7, 77, 777])))
    }), { numRuns: 20 })
  })

  test('returns buffers of their own', () => {
    const bytes = createRandom(5000)
    const chunks = chunksOf([bytes])
    const copy = Buffer.concat(chunks)
    bytes.fill(0)
    expect(Buffer.concat(chunks).equals(copy)).toBe(true)
    expect(new Set(chunks.map(chunk => chunk.buffer)).size).toBe(chunks.length)
  })

  test('the cuts of the default parameters stay where they are', () => {
    expect([...gearTable('drayage').subarray(0, 2)]).toEqual([0, 1].map(i => createHash('sha256').update(`drayage:${i}`).digest().readUInt32BE(0)))
    const chunker = new Chunker()
    const lengths = chunker.push(createRandom(16 << 20)).map(chunk => chunk.length)
    expect(lengths).toEqual([5810738, 666978, 1232129, 1848660, 1527223, 969390, 1983110, 862523])
  })

  test('refuses sizes that make no sense', () => {
    for (const wrong of [{ minBytes: 16 }, { averageBytes: 64 }, { maxBytes: 256 }, { maxBytes: Number.NaN }]) {
      expect(() => new Chunker({ ...small, ...wrong })).toThrow(expect.objectContaining({ code: 'damaged' }))
    }
  })
})

function createRandom(length: number, seed = 0): Buffer {
  const bytes = Buffer.alloc(length)
  let state = BigInt(seed) * 2n + 0x9e3779b97f4a7c15n
  for (let at = 0; at + 8 <= length; at += 8) {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n)
    bytes.writeBigUInt64LE(BigInt.asUintN(64, (state ^ (state >> 29n)) * 0xbf58476d1ce4e5b9n), at)
  }
  return bytes
}
