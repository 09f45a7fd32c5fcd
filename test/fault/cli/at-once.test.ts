import '../../one-realm.ts'
import { describe, expect, test } from '@jest/globals'
import { expectTwoBackups, isWaiting } from './backups-at-once.ts'
import { DrayProcess } from './dray-process.ts'
import { waitUntil } from '../../lab/wait.ts'
import { useWorld } from './use-world.ts'
import type { Inventory, World } from './world.ts'

let world: World
let before: Inventory

useWorld(started => void (world = started), async () => {
  before = await world.inventory()
})

describe('two at once', () => {
  test.each([['stop', 'pause']])('backups of one container (%s and %s): both are whole, and of a running container', async (one, other) => {
    await expectTwoBackups(world, before, one, other)
  }, 90_000)

  test('restores to one name: one of them does it, the other says what is in its way and removes nothing', async () => {
    expect((await world.dray('backup', 'web')).exitCode).toBe(0)
    const contents = await world.contents()
    await world.removeAll()
    const ends = await Promise.all([world.dray('restore', 'latest', 'web'), world.dray('restore', 'latest', 'web')])
    expect(ends.map(({ exitCode }) => exitCode).sort()).toEqual([0, 12])
    expect(ends.find(({ exitCode }) => exitCode === 12)?.stderr).toContain('there is a container \\"web\\" already')
    expect(await world.status()).toBe('running')
    expect(await world.contents()).toBe(contents)
    expect(await world.journals()).toEqual([])
  }, 90_000)
})

describe('prune beside a backup', () => {
  const prune = (wait: string) => world.dray('prune', '--grace', '0', '--wait', wait)

  test('waits for two backups, or says that it is locked and by whom; nothing is lost', async () => {
    const contents = await world.contents()
    expect((await world.dray('backup', 'web')).exitCode).toBe(0)
    const index = await world.holdIndex()
    const backups = [1, 2].map(() => new DrayProcess(['backup', 'web'], world.env))
    await waitUntil(async () => (await world.locks()).length === 2, 'both have their locks')
    expect(await prune('0')).toMatchObject({ exitCode: 31, result: { error: { code: 'locked', message: expect.stringMatching(new RegExp(`is locked by "dray backup web --json" on host ".+" \\(process (${backups.map(({ child }) => child.pid).join('|')}), since 2.*Z\\)$`)) } } })
    const waiting = new DrayProcess(['prune', '--grace', '0', '--wait', '60s'], world.env, event => void (isWaiting(event) && index.release()))
    for (const { ended } of backups) expect(await ended).toMatchObject({ exitCode: 0 })
    const waited = await waiting.ended
    expect(waited).toMatchObject({ exitCode: 0, result: { removedBlobs: expect.any(Number), missingBlobs: 0 } })
    expect(waited.events.some(isWaiting)).toBe(true)
    const made = await world.backups()
    expect(made).toHaveLength(3)
    for (const id of made) expect(await world.contentsOf(id)).toBe(contents)
    expect(await world.repositoryLeftovers()).toEqual([])
  }, 90_000)

  test('a backup that starts while it works waits for its end', async () => {
    const contents = await world.contents()
    for (let n = 0; n < 2; n++) expect((await world.dray('backup', 'web')).exitCode).toBe(0)
    const index = await world.holdIndex()
    const forgetting = new DrayProcess(['forget', '--keep-last', '1', '--prune', '--grace', '0'], world.env)
    await waitUntil(async () => (await world.locks()).length > 0, 'forget has the lock')
    const backup = new DrayProcess(['backup', 'web'], world.env, event => void (isWaiting(event) && index.release()))
    const [forgot, made] = [await forgetting.ended, await backup.ended]
    expect([forgot.exitCode, made.exitCode]).toEqual([0, 0])
    expect(made.events.filter(isWaiting)).toMatchObject([{ text: expect.stringContaining(`for "dray forget --keep-last 1 --prune --grace 0 --json" on host`) }])
    expect(await world.backups()).toHaveLength(2)
    for (const id of await world.backups()) expect(await world.contentsOf(id)).toBe(contents)
  }, 90_000)
})

describe('backup --forget', () => {
  test('of a container that could not be backed up nothing is forgotten, of the others it is', async () => {
    expect((await world.dray('backup', 'web')).exitCode).toBe(0)
    const { exitCode, result, events } = await world.dray('backup', 'web', 'nobody', '--forget', '--keep-last', '1')
    expect({ exitCode, result }).toMatchObject({ exitCode: 3, result: { forget: { forgotten: [expect.any(String)] } } })
    expect(events.some(({ event }) => event === 'warning')).toBe(true)
    expect(await world.backups()).toHaveLength(1)
  }, 60_000)

  test('that is interrupted while it waits to forget has its backup, and says so', async () => {
    expect((await world.dray('backup', 'web')).exitCode).toBe(0)
    const other = await world.holdShared()
    const mine = await world.drayWith(['backup', 'web', '--forget', '--keep-last', '1'], isWaiting, 'SIGTERM')
    expect(mine).toMatchObject({ exitCode: 143, met: true, result: { ids: [expect.any(String)], forget: { error: { code: 'terminated' } } } })
    await other.release()
    expect(await world.backups()).toHaveLength(2)
  }, 60_000)
})
