import { describe, expect, test } from '@jest/globals'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import { availableCodec, decompressFrame, framePieces } from '../../../src/archive/codec.ts'
import { isIncompressible, storedFrame } from '../../../src/archive/stored-frame.ts'

const byZstd = (stored: Buffer): Buffer => execFileSync('zstd', ['-dqc'], { input: stored, maxBuffer: 2 ** 30 })
const damaged: unknown = expect.objectContaining({ code: 'damaged' })

describe('a frame of what is not compressed', () => {
  const block = 128 * 1024
  test.each([0, 1, block - 1, block, block + 1, 3 * block, 8 * 1024 * 1024])('of %i bytes is read by zstd and by us', async length => {
    const plain = randomBytes(length)
    const stored = Buffer.concat(storedFrame(plain))
    expect(byZstd(stored).equals(plain)).toBe(true)
    expect((await decompressFrame(stored, length)).equals(plain)).toBe(true)
    const into = Buffer.alloc(length)
    expect((await decompressFrame(stored, length, into)).equals(plain)).toBe(true)
    expect(into.equals(plain)).toBe(true)
  })

  test('holds the limit, and is not taken for whole when it is cut', async () => {
    const stored = Buffer.concat(storedFrame(randomBytes(block + 5)))
    await expect(decompressFrame(stored, block, Buffer.alloc(block))).rejects.toEqual(damaged)
    for (const length of [stored.length - 1, stored.length - 5, block + 12, 9, 8, 4]) await expect(decompressFrame(stored.subarray(0, length), block + 5, Buffer.alloc(block + 5))).rejects.toEqual(damaged)
    await expect(decompressFrame(Buffer.concat([stored, Buffer.from([0])]), block + 5, Buffer.alloc(block + 5))).rejects.toEqual(damaged)
  })

  test('does not fit the memory that is offered: other memory is taken', async () => {
    const plain = randomBytes(1000)
    expect((await decompressFrame(Buffer.concat(storedFrame(plain)), 1000, Buffer.alloc(10))).equals(plain)).toBe(true)
  })
})

describe('what is stored as it is', () => {
  const mib = 1024 * 1024
  const text = Buffer.from(Array.from({ length: 60_000 }, (_, i) => `line ${i * 7919} of the log\n`).join(''))
  const halves = Buffer.concat([randomBytes(mib), text.subarray(0, mib)])
  const compressedLength = (sample: Buffer): number => deflateSync(sample, { level: 1 }).length

  test.each([
    ['noise', randomBytes(2 * mib), true],
    ['compressed data', deflateSync(Buffer.from(randomBytes(3 * mib).toString('base64'))).subarray(0, 2 * mib), true],
    ['text', text, false],
    ['zeros', Buffer.alloc(2 * mib), false],
    ['half noise, half text', halves, false],
    ['all bytes in turn', Buffer.from(Uint8Array.from({ length: 2 * mib }, (_, at) => at & 255)), false],
    ['too little to judge', randomBytes(1000), false],
  ])('%s: %#', (_name, plain, expected) => {
    expect(isIncompressible(plain, compressedLength)).toBe(expected)
  })

  test('is not much larger than the content', () => {
    if (availableCodec() !== 'zstd') return
    const plain = randomBytes(2 * mib)
    const stored = Buffer.concat(framePieces(plain, 'zstd'))
    expect(stored.length).toBe(plain.length + 9 + 3 * 16)
    expect(Buffer.concat(framePieces(text, 'zstd')).length).toBeLessThan(text.length / 4)
  })
})
