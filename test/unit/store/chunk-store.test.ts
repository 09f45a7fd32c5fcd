import '../../one-realm.ts'
import { randomBytes } from 'node:crypto'
import { appendFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { ChunkStore } from '../../../src/store/chunk-store.ts'
import { encodeChunkRecord, decodeChunkRecord, isWholeChunkRecord } from '../../../src/store/chunk-record.ts'
import { hexOf } from '../../../src/store/digest.ts'
import { RecordTable } from '../../../src/store/record-table.ts'
import type { LocalRepository } from '../../../src/store/repository.ts'
import { backUp, noise, scratch, sha256, writeContent, type Scratch } from './scratch.ts'

let at: Scratch
let repository: LocalRepository
beforeEach(async () => {
  at = await scratch()
  repository = await at.open()
})
afterEach(async () => {
  await repository.close()
  await at[Symbol.asyncDispose]()
})

test.each(['zstd', 'gzip'] as const)('%s: what is stored is read', async codec => {
  const store = new ChunkStore(repository, { codec })
  for (const plain of [noise(100_000), Buffer.alloc(1_000_000, 'text '), Buffer.from('x')]) {
    const ref = await store.store(plain)
    expect(ref).toMatchObject({ key: hexOf(sha256(plain)), length: plain.length, codec })
    expect((await store.read(ref)).equals(plain)).toBe(true)
  }
})

test('equal chunks are stored once: at the same time, later, and by the next run, whatever its codec', async () => {
  const plain = noise(50_000)
  const store = new ChunkStore(repository, { codec: 'zstd' })
  const refs = await Promise.all(Array.from({ length: 20 }, () => store.store(Buffer.from(plain))))
  refs.push(await store.store(plain))
  expect(new Set(refs.map(({ digest }) => digest)).size).toBe(1)
  expect(store.counts).toMatchObject({ chunks: 21, newChunks: 1, newBytes: 50_000 })
  await store.flush()
  const next = new ChunkStore(repository, { codec: 'gzip' })
  expect(await next.store(plain)).toEqual(refs[0])
  expect(next.counts.newChunks).toBe(0)
})

test('a chunk whose blob is gone or cut is stored again', async () => {
  const plain = noise(50_000)
  const store = new ChunkStore(repository)
  const ref = await store.store(plain)
  await store.flush()
  await rm(join(repository.paths.blobs, hexOf(ref.digest)))
  await expect(store.read(ref)).rejects.toMatchObject({ code: 'damaged', message: expect.stringContaining(ref.key) })
  expect((await store.read(await store.store(plain))).equals(plain)).toBe(true)
  await store.flush()
  await truncate(join(repository.paths.blobs, hexOf(ref.digest)), 10)
  expect((await store.read(await store.store(plain))).equals(plain)).toBe(true)
})

test('a changed blob is named as damaged', async () => {
  const store = new ChunkStore(repository)
  const [a, b] = [await store.store(Buffer.alloc(20_000, 'a')), await store.store(Buffer.alloc(20_000, 'b'))]
  await expect(store.read({ ...a, digest: b.digest, size: b.size })).rejects.toMatchObject({ code: 'damaged', message: expect.stringContaining(`chunk "${a.key}"`) })
  await expect(store.read({ ...a, length: 19_999 })).rejects.toMatchObject({ code: 'damaged' })
  await store.flush()
  await writeFile(join(repository.paths.blobs, hexOf(a.digest)), noise(a.size))
  await expect(store.read(a)).rejects.toMatchObject({ code: 'damaged' })
})

test.each<[string, (cache: string) => Promise<void>]>([
  ['missing', cache => rm(cache)],
  ['cut', async cache => truncate(cache, (await stat(cache)).size - 1)],
  ['torn and grown', cache => appendFile(cache, 'x')],
  ['of another repository', cache => writeFile(cache, Buffer.alloc(32))],
  ['changed', async cache => {
    await appendFile(cache, Buffer.alloc(76))
  }],
])('a cache that is %s is built again from the backups', async (_, damage) => {
  const data = noise(200_000)
  await backUp(repository, data)
  await damage(join(repository.paths.cache, 'chunks'))
  const store = new ChunkStore(repository)
  await writeContent(repository, store, data)
  expect(store.counts).toMatchObject({ bytes: 200_000, newChunks: 0 })
})

test('records survive, and tell when they were changed', () => {
  for (const codec of ['zstd', 'gzip'] as const) {
    const ref = { key: 'ab'.repeat(32), digest: `sha256:${'cd'.repeat(32)}` as const, length: 2 ** 30, size: 2 ** 30 + 5, codec }
    const record = encodeChunkRecord(ref)
    expect(decodeChunkRecord(record)).toEqual(ref)
    expect(isWholeChunkRecord(record, 0)).toBe(true)
    for (let i = 0; i < record.length; i++) {
      record[i]! ^= 1
      expect(isWholeChunkRecord(record, 0)).toBe(false)
      record[i]! ^= 1
    }
  }
})

test('the table finds what was put in, replaced records too, over many segments', () => {
  const table = new RecordTable(36)
  const keys = Array.from({ length: 150_000 }, () => randomBytes(36))
  for (const key of keys) table.set(key)
  keys.forEach((key, i) => {
    if (i % 3 !== 0) return
    key.writeUInt32BE(i, 32)
    table.set(key)
  })
  expect(table.size).toBe(keys.length)
  expect(keys.every(key => table.get(key)?.equals(key))).toBe(true)
  expect(table.get(randomBytes(32))).toBeUndefined()
})
