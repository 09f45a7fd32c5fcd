import '../../one-realm.ts'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { readBackup, readMount } from '../../../src/store/backup-graph.ts'
import { listBackups, removeBackups } from '../../../src/store/backup-list.ts'
import { findGarbage, type GarbageCounts } from '../../../src/store/garbage.ts'
import { prune } from '../../../src/store/prune.ts'
import type { LocalRepository } from '../../../src/store/repository.ts'
import { findBackupIndexes, idOf } from '../../../src/store/stored-backups.ts'
import { backUp, noise, scratch, type Scratch } from './scratch.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** Ends itself by SIGKILL when the index of its backup is stored and synced, and not on the list yet. */
const killedWhileListing = `
  const { openRepository } = await import(${JSON.stringify(here('../../../src/store/repository.js'))})
  const { backUp, noise } = await import(${JSON.stringify(here('./scratch.js'))})
  const repository = await openRepository(process.argv[1], { create: false })
  const { blobs } = repository
  const put = blobs.put.bind(blobs)
  const flush = blobs.flush.bind(blobs)
  let isIndexStored = false
  blobs.put = (bytes, type) => {
    isIndexStored ||= bytes.includes('"artifactType":"application/vnd.drayage.backup')
    return put(bytes, type)
  }
  blobs.flush = async () => {
    await flush()
    if (isIndexStored) process.kill(process.pid, 'SIGKILL')
  }
  await backUp(repository, noise(50_000), { id: process.argv[2] })
`

let at: Scratch
let repository: LocalRepository
beforeEach(async () => {
  at = await scratch()
  repository = await at.open()
  await backUp(repository, noise(50_000), { id: 'one' })
})
afterEach(async () => {
  await repository.close()
  await at[Symbol.asyncDispose]()
})

async function killWhileListing(id: string): Promise<void> {
  const { signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', killedWhileListing, at.path, id], { encoding: 'utf8' })
  expect({ signal, stderr }).toEqual({ signal: 'SIGKILL', stderr: '' })
  expect((await findBackupIndexes(repository)).map(idOf)).toContain(id)
  expect(await ids()).not.toContain(id)
}

const ids = async (): Promise<string[]> => (await listBackups(repository)).map(({ id }) => id).sort()

async function pruneAll(): Promise<GarbageCounts> {
  await using lock = await repository.lock('exclusive', { command: 'prune' })
  return await prune(repository, { graceMs: -1000 }, lock)
}

test('a backup that a killed run had stored whole: prune puts it on the list, and the list is not called an older one', async () => {
  await killWhileListing('two')
  expect((await findGarbage(repository, { graceMs: -1000 })).counts).toMatchObject({ removedBlobs: 0, unlisted: [] })
  expect(await pruneAll()).toMatchObject({ removedBlobs: 0, missingBlobs: 0, unlisted: [] })
  expect(await ids()).toEqual(['one', 'two'])
  expect(existsSync(repository.paths.listing)).toBe(false)
})

test('the next backup does it too, and so does one that is killed at the same moment', async () => {
  await killWhileListing('two')
  await killWhileListing('three')
  await backUp(repository, noise(50_000), { id: 'four' })
  expect(await ids()).toEqual(['four', 'one', 'three', 'two'])
  expect(await pruneAll()).toMatchObject({ removedBlobs: 0, missingBlobs: 0, unlisted: [] })
})

test('one that is not whole any more stays off the list, and is named', async () => {
  await killWhileListing('two')
  const [two] = (await findBackupIndexes(repository)).filter(backup => idOf(backup) === 'two')
  const { content } = await readMount(repository.blobs, (await readBackup(repository.blobs, two!)).mounts[0]!)
  await rm(repository.blobs.pathOf(content.chunks[0]!.digest))
  expect(await pruneAll()).toMatchObject({ unlisted: ['two'], missingBlobs: 1 })
  expect(await ids()).toEqual(['one'])
})

test('what was listed and forgotten since does not come back', async () => {
  await killWhileListing('two')
  await backUp(repository, noise(50_000), { id: 'three' })
  await using lock = await repository.lock('exclusive', { command: 'forget' })
  await removeBackups(repository, ['two'], lock)
  await lock[Symbol.asyncDispose]()
  await backUp(repository, noise(50_000), { id: 'four' })
  await pruneAll()
  expect(await ids()).toEqual(['four', 'one', 'three'])
})
