import { describe, expect, test } from '@jest/globals'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { availableCodec, compressFrame, compressionOf, decompressFrame, type Codec } from '../../../src/archive/codec.ts'

const codecs: Codec[] = availableCodec() === 'zstd' ? ['zstd', 'gzip'] : ['gzip']
const damaged: unknown = expect.objectContaining({ code: 'damaged' })
const text = Buffer.from(Array.from({ length: 90_000 }, (_, i) => `line ${i * 7919} of the log\n`).join(''))
const noise = Buffer.concat(Array.from({ length: 9000 }, (_, i) => createHash('sha256').update(String(i)).digest()))
const zstdCli = (args: string[], input: Buffer) => execFileSync('zstd', ['-q', ...args], { input, maxBuffer: 2 ** 30 })

describe.each(codecs)('%s', codec => {
  const program = codec === 'zstd' ? ['zstd'] : ['zstd', 'gzip']

  test('gives back what it took', async () => {
    for (const plain of [Buffer.alloc(0), Buffer.from('x'), text, noise, Buffer.alloc(8 << 20)]) {
      const stored = compressFrame(plain, codec)
      expect(compressionOf(stored)).toBe(codec)
      expect((await decompressFrame(stored, plain.length)).equals(plain)).toBe(true)
    }
  })

  test('frames one after the other are the plain bytes to other programs', () => {
    const parts = Array.from({ length: 12 }, (_, i) => text.subarray(i * 100_000, (i + 1) * 100_000))
    const frames = parts.map(part => compressFrame(part, codec))
    for (const name of program) {
      expect(execFileSync(name, ['-dc'], { input: Buffer.concat(frames), maxBuffer: 2 ** 30 }).equals(Buffer.concat(parts))).toBe(true)
    }
  })

  test('holds the limit', async () => {
    const bomb = compressFrame(Buffer.alloc(64 << 20), codec)
    const before = process.memoryUsage().rss
    await expect(decompressFrame(bomb, 1 << 20)).rejects.toEqual(damaged)
    expect(process.memoryUsage().rss - before).toBeLessThan(32 << 20)
    await expect(decompressFrame(compressFrame(text, codec), text.length - 1)).rejects.toEqual(damaged)
  })

  test('notices every cut, changed bit and trailing byte', async () => {
    const plain = Buffer.concat([text.subarray(0, 3000), noise.subarray(0, 400)])
    const stored = codec === 'zstd' ? zstdCli(['-c', '--check'], plain) : compressFrame(plain, codec)
    for (let length = 0; length < stored.length; length += 1 + (length >> 4)) await expect(decompressFrame(stored.subarray(0, length), 1 << 20)).rejects.toEqual(damaged)
    for (const tail of ['\0', '\0\0\0\0\0\0\0\0', 'garbage', '\x1f\x8b', '(']) await expect(decompressFrame(Buffer.concat([stored, Buffer.from(tail)]), 1 << 20)).rejects.toEqual(damaged)
    for (let at = 0; at < stored.length * 8; at += 13) {
      const flipped = Buffer.from(stored)
      flipped[at >> 3]! ^= 1 << (at & 7)
      const outcome = await decompressFrame(flipped, 1 << 20).catch((error: unknown) => error)
      // a bit of the header that says nothing about the content may change
      if (Buffer.isBuffer(outcome)) expect(outcome.equals(plain)).toBe(true)
      else expect(outcome).toEqual(damaged)
    }
  })
})

describe('zstd of other writers', () => {
  const plain = Buffer.concat([text, noise])

  test.each([['-1'], ['-9'], ['-3', '--no-content-size'], ['-3', '--check'], ['-3', '-B200KB'], ['--fast=5']])('zstd %s', async (...args) => {
    const stored = zstdCli(['-c', ...args], plain)
    expect((await decompressFrame(stored, plain.length)).equals(plain)).toBe(true)
    await expect(decompressFrame(stored, plain.length >> 1)).rejects.toEqual(damaged)
  })

  test('a frame of many small blocks stays within the limit all the same', async () => {
    const block = Buffer.from([(1 << 3) | (1 << 1), 0, 0, 65])
    const small = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x58]), ...Array.from({ length: 5000 }, () => block), Buffer.from([1, 0, 0])])
    expect((await decompressFrame(small, 5000)).equals(Buffer.alloc(5000, 65))).toBe(true)
    const large = Buffer.from(small)
    for (let at = 6; at < large.length - 3; at += 4) large.writeUIntLE((131_072 << 3) | 2, at, 3)
    await expect(decompressFrame(large, 5000)).rejects.toEqual(damaged)
  })

  test('a window that no chunk needs is refused before anything is allocated', async () => {
    const huge = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0xa8, 1, 0, 0])
    await expect(decompressFrame(huge, 1 << 20)).rejects.toEqual(damaged)
  })

  test('skippable frames are passed over', async () => {
    const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
    expect(compressionOf(skippable)).toBe('zstd')
    expect((await decompressFrame(Buffer.concat([skippable, zstdCli(['-c'], plain), skippable]), plain.length)).equals(plain)).toBe(true)
    const two = Buffer.concat([zstdCli(['-c'], text), skippable, zstdCli(['-c'], noise)])
    expect((await decompressFrame(two, plain.length)).equals(plain)).toBe(true)
    await expect(decompressFrame(two, plain.length - 1)).rejects.toEqual(damaged)
  })
})

test('gzip members with every optional header field are read', async () => {
  const member = gzipSync('hello')
  const header = Buffer.from(member.subarray(0, 10))
  header[3] = 2 | 4 | 8 | 16
  const extra = Buffer.from([3, 0, 1, 2, 3, ...Buffer.from('name\0comment\0'), 0, 0])
  expect((await decompressFrame(Buffer.concat([header, extra, member.subarray(10)]), 100)).toString()).toBe('hello')
})

test('compression is told by the magic number', () => {
  expect(compressionOf(Buffer.from('BZh91AY'))).toBe('bzip2')
  expect(compressionOf(Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]))).toBe('xz')
  for (const other of [Buffer.alloc(0), Buffer.from([0x1f]), Buffer.alloc(512), Buffer.from('blobs/')]) expect(compressionOf(other)).toBe('none')
})
