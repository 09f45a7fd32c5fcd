import '../../one-realm.ts'
import { readdir, readFile, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { hexOf } from '../../../src/store/digest.ts'
import type { Digest } from '../../../src/store/oci.ts'
import type { LocalRepository } from '../../../src/store/repository.ts'
import { collect, noise, scratch, sha256, type Scratch } from './scratch.ts'

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

const pathOf = (digest: Digest) => join(repository.paths.blobs, hexOf(digest))

test('what was put can be read at once, and has its name after flush', async () => {
  const { blobs } = repository
  const bytes = noise(5000)
  const descriptor = await blobs.put(bytes, 'a/b', { k: 'v' })
  expect(descriptor).toEqual({ mediaType: 'a/b', digest: sha256(bytes), size: 5000, annotations: { k: 'v' } })
  expect(await blobs.read(descriptor.digest)).toEqual(bytes)
  expect(await blobs.has(descriptor.digest)).toBe(true)
  expect(await readdir(repository.paths.blobs)).toEqual([])
  await blobs.flush()
  expect(await readFile(pathOf(descriptor.digest))).toEqual(bytes)
  expect((await stat(pathOf(descriptor.digest))).mode & 0o777).toBe(0o600)
})

test('a blob is never missing while it gets its name', async () => {
  const { blobs } = repository
  for (let round = 0; round < 5; round++) {
    const put = await Promise.all(Array.from({ length: 60 }, (_, i) => blobs.put(Buffer.from(`${round} ${i}`), 'a/b')))
    const state = { isFlushed: false }
    const flushed = blobs.flush().then(() => (state.isFlushed = true))
    while (!state.isFlushed) expect(await Promise.all(put.map(({ digest }) => blobs.has(digest)))).not.toContain(false)
    await flushed
  }
})

test('many blobs at once, some of them equal, each stored once', async () => {
  const { blobs } = repository
  const contents = Array.from({ length: 200 }, (_, i) => Buffer.from(`blob ${i % 150}`))
  const put = await Promise.all(contents.map(bytes => blobs.put(bytes, 'a/b')))
  await blobs.flush()
  expect(await readdir(repository.paths.blobs)).toHaveLength(150)
  for (const [i, { digest }] of put.entries()) expect(await blobs.read(digest)).toEqual(contents[i])
})

test('a blob that is damaged in its place is written again, with the same length as well', async () => {
  const { blobs } = repository
  const { digest } = await blobs.put(Buffer.from('{"a":1}'), 'a/b')
  await blobs.flush()
  await writeFile(pathOf(digest), '{"a":2}')
  await blobs.put(Buffer.from('{"a":1}'), 'a/b')
  await blobs.flush()
  expect((await blobs.read(digest)).toString()).toBe('{"a":1}')
})

test('a blob that is there is touched and not written', async () => {
  const { blobs } = repository
  const { digest } = await blobs.put(Buffer.from('x'), 'a/b')
  await blobs.flush()
  const { ino } = await stat(pathOf(digest))
  await utimes(pathOf(digest), 1, 1)
  await blobs.put(Buffer.from('x'), 'a/b')
  await blobs.flush()
  const after = await stat(pathOf(digest))
  expect(after.ino).toBe(ino)
  expect(Date.now() - after.mtimeMs).toBeLessThan(60_000)
})

test('a blob that lost bytes is missing, and stored again', async () => {
  const { blobs } = repository
  const bytes = noise(100)
  const { digest } = await blobs.put(bytes, 'a/b')
  await blobs.flush()
  await truncate(pathOf(digest), 50)
  expect(await blobs.touch([{ digest, size: 100 }])).toEqual([digest])
  await blobs.put(bytes, 'a/b')
  await blobs.flush()
  expect(await blobs.read(digest)).toEqual(bytes)
})

test('a stream is hashed in passing, and refused when it is not what was expected', async () => {
  const { blobs } = repository
  const bytes = noise(300_000)
  const pieces = () => Readable.from([bytes.subarray(0, 7), bytes.subarray(7)])
  expect(await blobs.putStream(pieces(), 'a/b', { size: bytes.length })).toEqual({ mediaType: 'a/b', digest: sha256(bytes), size: bytes.length })
  await expect(blobs.putStream(pieces(), 'a/b', { size: 1 })).rejects.toMatchObject({ code: 'damaged' })
  await expect(blobs.putStream(pieces(), 'a/b', { digest: sha256(Buffer.from('other')) })).rejects.toMatchObject({ code: 'damaged' })
  const broken = async function* () {
    yield bytes
    await Promise.reject(Object.assign(new Error('connection lost'), { code: 'ECONNRESET' }))
  }
  await expect(blobs.putStream(broken(), 'a/b')).rejects.toThrow('connection lost')
  await blobs.flush()
  expect(await readdir(repository.paths.blobs)).toHaveLength(1)
  expect(await readdir(await repository.temporaryFolder())).toEqual([])
  expect((await collect(blobs.openRead(sha256(bytes)))).equals(bytes)).toBe(true)
})

test('reading fails for missing, changed, longer and too long blobs', async () => {
  const { blobs } = repository
  const { digest } = await blobs.put(Buffer.from('right'), 'a/b')
  await blobs.flush()
  await expect(blobs.read(digest, { maxBytes: 4 })).rejects.toMatchObject({ code: 'damaged' })
  await writeFile(pathOf(digest), 'wrong')
  await expect(blobs.read(digest)).rejects.toMatchObject({ code: 'damaged' })
  await expect(collect(blobs.openRead(digest))).rejects.toMatchObject({ code: 'damaged' })
  await expect(collect(blobs.openRead(digest, { size: 3 }))).rejects.toMatchObject({ code: 'damaged' })
  const missing = sha256(Buffer.from('missing'))
  await expect(blobs.read(missing)).rejects.toMatchObject({ code: 'damaged', message: expect.stringContaining(missing) })
  await expect(collect(blobs.openRead(missing))).rejects.toMatchObject({ code: 'damaged' })
  await expect(blobs.has('sha256:../../etc/passwd')).rejects.toMatchObject({ code: 'damaged' })
})

test('quarantine moves a blob aside', async () => {
  const { blobs } = repository
  const { digest } = await blobs.put(Buffer.from('bad'), 'a/b')
  await blobs.flush()
  await blobs.quarantine(digest)
  await blobs.quarantine(digest)
  expect(await blobs.has(digest)).toBe(false)
  expect(await readdir(repository.paths.quarantine)).toEqual([hexOf(digest)])
})
