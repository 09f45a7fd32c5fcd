import '../../one-realm.ts'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import type { EngineFacts } from '../../../src/engine/engine.ts'
import { listBackups } from '../../../src/store/backup-list.ts'
import type { Repository } from '../../../src/store/repository.ts'
import { chooseBackup } from '../../../src/workflows/steps/choose-backup.ts'
import { findBase } from '../../../src/workflows/steps/find-base.ts'
import { backUp, noise, scratch, type Scratch } from '../store/scratch.ts'

let at: Scratch
let repository: Repository
beforeEach(async () => {
  at = await scratch()
  repository = await at.open()
})
afterEach(async () => {
  await repository.close()
  await at[Symbol.asyncDispose]()
})

const hours = (n: number): string => new Date(Date.now() + n * 3_600_000).toISOString()
const make = (id: string, created: string) => backUp(repository, noise(100), { id, created, tags: [] })
const ids = async () => (await listBackups(repository)).map(({ id }) => id)

async function latest(): Promise<{ id: string; warnings: string[] }> {
  const warnings: string[] = []
  const { id } = await chooseBackup(repository, 'latest', 'web', text => warnings.push(text))
  return { id, warnings }
}

test('a night whose clock was ahead: what was stored after it is newer', async () => {
  await make('monday', hours(-72))
  await make('ahead', hours(24 * 3650))
  await make('wednesday', hours(-24))
  await make('thursday', hours(-1))
  expect(await ids()).toEqual(['monday', 'ahead', 'wednesday', 'thursday'])
  expect(await latest()).toEqual({ id: 'thursday', warnings: [expect.stringMatching(/^backup ahead is dated in the future, .*what was stored after it counts as newer/)] })
})

test('a clock that is behind now: what was stored last is the latest all the same, and is said', async () => {
  await make('before', hours(-1))
  await make('one', hours(48))
  await make('two', hours(72))
  expect(await latest()).toEqual({ id: 'two', warnings: [expect.stringContaining('backup one is dated'), expect.stringMatching(/^backup two is dated in the future, .*nothing with a right date was stored after it/)] })
  await make('now', hours(0))
  expect(await ids()).toEqual(['before', 'one', 'two', 'now'])
  expect((await latest()).id).toBe('now')
})

test('clocks that differ by minutes are no matter', async () => {
  await make('one', hours(-1))
  await make('two', hours(0.2))
  expect(await latest()).toEqual({ id: 'two', warnings: [] })
})

test('nothing is taken over from a backup that is dated ahead', async () => {
  await make('past', hours(-24))
  await make('ahead', hours(24 * 3650))
  const told: string[] = []
  await findBase(repository, { id: 'ENGINE' } as EngineFacts, 'web', text => told.push(text))
  expect(told).toEqual([expect.stringMatching(/^the last backup, past, cannot be used/)])
})
