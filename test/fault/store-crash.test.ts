import '../one-realm.ts'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { readBackup, readMount } from '../../src/store/backup-graph.ts'
import { listBackups } from '../../src/store/backup-list.ts'
import { ChunkStore } from '../../src/store/chunk-store.ts'
import { openContent } from '../../src/store/content-reader.ts'
import { openRepository, type LocalRepository } from '../../src/store/repository.ts'
import { prune } from '../../src/store/prune.ts'
import { collect, scratch } from '../unit/store/scratch.ts'

const program = fileURLToPath(new URL('store-child.js', import.meta.url))

function start(path: string, name: string, count: number): ChildProcess {
  return spawn(process.execPath, [program, path, name, String(count)], { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Kills the child, hard, when it has said `lines` lines; returns the ids that it said it had added by then. */
async function killAfter(child: ChildProcess, lines: number): Promise<string[]> {
  const exited = once(child, 'exit')
  const added: string[] = []
  let said = 0
  for await (const line of createInterface({ input: child.stdout! })) {
    if (line.startsWith('added ')) added.push(line.slice(6))
    if (++said === lines) child.kill('SIGKILL')
  }
  await exited
  return added
}

async function checkBackups(repository: LocalRepository): Promise<string[]> {
  const backups = await listBackups(repository)
  for (const { descriptor } of backups) {
    const { mounts } = await readBackup(repository.blobs, descriptor)
    const { content } = await readMount(repository.blobs, mounts[0]!)
    expect(await collect(openContent(new ChunkStore(repository), content.chunks))).toHaveLength(8 * 32_768)
  }
  return backups.map(({ id }) => id)
}

test('kill -9 at any moment leaves complete backups and, after the next open, nothing else', async () => {
  await using at = await scratch()
  const rounds = process.env['DRAY_TEST_ALL'] ? 60 : 8
  const added: string[] = []
  for (let round = 0; round < rounds; round++) {
    added.push(...(await killAfter(start(at.path, `r${round}`, 1000), 1 + Math.floor(Math.random() * 40))))
    await using repository = await openRepository(at.path, { create: false })
    expect(await readdir(repository.paths.temporary)).toEqual([])
    const listed = await checkBackups(repository)
    expect(listed).toEqual(expect.arrayContaining(added))
    await using lock = await repository.lock('exclusive', { command: 'prune', waitMs: 0 })
    await prune(repository, { graceMs: -1000 }, lock)
    expect(await checkBackups(repository)).toEqual(listed)
  }
  expect(added.length).toBeGreaterThan(0)
}, 300_000)

test('processes that add backups at once lose nothing', async () => {
  await using at = await scratch()
  const children = ['a', 'b', 'c'].map(name => start(at.path, name, 10))
  const added = await Promise.all(children.map(child => killAfter(child, Infinity)))
  await using repository = await openRepository(at.path, { create: false })
  expect(added.flat()).toHaveLength(30)
  expect((await checkBackups(repository)).sort()).toEqual(added.flat().sort())
  expect(await readdir(repository.paths.temporary)).toEqual([])
  expect(await readdir(repository.paths.locks)).toEqual([])
}, 120_000)

test('a lock that a killed process held is broken by the next', async () => {
  await using at = await scratch()
  await killAfter(start(at.path, 'x', 1000), 3)
  await using repository = await at.open()
  expect(await readdir(repository.paths.locks)).toHaveLength(1)
  await using lock = await repository.lock('exclusive', { command: 'prune', waitMs: 0 })
  expect(await lock.isHeld()).toBe(true)
})
