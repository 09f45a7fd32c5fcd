import '../../one-realm.ts'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { ChunkStore } from '../../../src/store/chunk-store.ts'
import { passContent } from '../../../src/store/content-reader.ts'
import { hexOf } from '../../../src/store/digest.ts'
import { initRepository, openRepository, type LocalRepository } from '../../../src/store/repository.ts'
import { noise, scratch, writeContent, type Scratch } from './scratch.ts'

const mib = 1024 * 1024

let at: Scratch
let repository: LocalRepository
beforeEach(async () => {
  at = await scratch()
  const path = join(at.folder, 'large')
  await initRepository(path)
  repository = await openRepository(path, { create: false })
})
afterEach(async () => {
  await repository.close()
  await at[Symbol.asyncDispose]()
})

test('what threads store and read is what was given, and the event loop is heard meanwhile', async () => {
  const store = new ChunkStore(repository)
  const first = noise(24 * mib)
  await writeContent(repository, store, first)
  const parts = Array.from({ length: 32 }, (_, i) => Buffer.concat([noise(2 * mib), Buffer.alloc(2 * mib, `text ${i} `)]))
  let turns = 0
  let working = true
  const turn = () => {
    turns++
    if (working) setImmediate(turn)
  }
  setImmediate(turn)
  const refs = await Promise.all(parts.map(part => store.store(part)))
  expect(turns).toBeGreaterThan(100)
  turns = 0
  const read = await Promise.all(refs.map(ref => store.read(ref)))
  working = false
  expect(turns).toBeGreaterThan(100)
  expect(read.map((bytes, i) => bytes.equals(parts[i]!))).toEqual(parts.map(() => true))
  await store.flush()
  expect((await Promise.all(refs.map(ref => store.read(ref)))).map((bytes, i) => bytes.equals(parts[i]!))).toEqual(parts.map(() => true))
})

test('content passes whole in memory that is used again: a piece is there until the next one is asked for', async () => {
  const store = new ChunkStore(repository)
  const bytes = noise(60 * mib)
  const chunks = await writeContent(repository, store, bytes)
  let position = 0
  const memory = new Set<ArrayBufferLike>()
  for await (const piece of passContent(store, chunks)) {
    memory.add(piece.buffer)
    expect(piece.equals(bytes.subarray(position, position + piece.length))).toBe(true)
    position += piece.length
    await new Promise(resolve => setImmediate(resolve))
    expect(piece.equals(bytes.subarray(position - piece.length, position))).toBe(true)
  }
  expect(position).toBe(bytes.length)
  expect(memory.size).toBeLessThan(chunks.length / 2)
})

test('a thread says what went wrong in the words and with the code of this one', async () => {
  const store = new ChunkStore(repository)
  const chunks = await writeContent(repository, store, noise(40 * mib))
  await store.flush()
  const [a, b] = [chunks[3]!, chunks[4]!]
  await expect(store.read({ ...a, digest: b.digest, size: b.size })).rejects.toMatchObject({ name: 'DrayError', code: 'damaged', message: expect.stringMatching(new RegExp(`^chunk "${a.key}" cannot be read: .*blob "${b.digest}"`)) })
  await rm(join(repository.paths.blobs, hexOf(a.digest)))
  await expect(store.read(a)).rejects.toMatchObject({ code: 'damaged', message: expect.stringContaining(`blob "${a.digest}" is missing`) })
  await rm(repository.paths.temporary, { recursive: true })
  await expect(store.store(noise(mib))).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('cannot write to the repository') })
  expect((await store.read(b)).length).toBe(b.length)
})
