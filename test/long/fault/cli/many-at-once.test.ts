import '../../../one-realm.ts'
import { describe, expect, test } from '@jest/globals'
import { expectTwoBackups, isWaiting } from '../../../fault/cli/backups-at-once.ts'
import { DrayProcess, isStep } from '../../../fault/cli/dray-process.ts'
import { useWorld } from '../../../fault/cli/use-world.ts'
import type { Inventory, World } from '../../../fault/cli/world.ts'
import { waitUntil } from '../../../lab/wait.ts'

let world: World
let before: Inventory

useWorld(started => void (world = started), async () => {
  before = await world.inventory()
})

describe('several at once', () => {
  test.each([['pause', 'pause'], ['pause', 'stop']])('backups of one container (%s and %s): both are whole, and of a running container', async (one, other) => {
    await expectTwoBackups(world, before, one, other)
  }, 90_000)

  test('five backups of one container', async () => {
    const ends = await Promise.all(Array.from({ length: 5 }, () => world.dray('backup', 'web')))
    expect(ends.map(({ exitCode, stderr }) => ({ exitCode, stderr }))).toEqual(ends.map(() => ({ exitCode: 0, stderr: '' })))
    for (const { result } of ends) expect(result).toMatchObject({ backups: [{ freeze: { way: 'pause', disturbed: false } }] })
    expect(await world.inventory()).toEqual(before)
    expect(await world.backups()).toHaveLength(5)
    expect(await world.repositoryLeftovers()).toEqual([])
  }, 90_000)
})

describe('prune beside a backup', () => {
  const prune = (wait: string) => world.dray('prune', '--grace', '0', '--wait', wait)

  test('killed processes hold nobody up: neither a backup the prune, nor a prune the backup', async () => {
    const contents = await world.contents()
    for (let n = 0; n < 2; n++) expect((await world.dray('backup', 'web')).exitCode).toBe(0)
    await world.docker('exec', 'web', 'sh', '-c', 'head -c 80000000 /dev/urandom > /data/new')
    const index = await world.holdIndex()
    expect((await world.drayWith(['backup', 'web'], isStep('store its writable layer'), 'SIGKILL')).met).toBe(true)
    expect(await world.locks()).toHaveLength(1)
    expect(await world.dray('prune', '--wait', '0')).toMatchObject({ exitCode: 0, result: { removedBlobs: 0, youngBlobs: expect.any(Number) } })
    expect((await prune('0')).result?.['removedBlobs']).toBeGreaterThan(0)
    const [id = ''] = await world.backups()
    expect(await world.contentsOf(id)).toBe(contents)
    const forgetting = new DrayProcess(['forget', '--keep-last', '1', '--prune', '--grace', '0'], world.env)
    await waitUntil(async () => (await world.locks()).length > 0, 'forget has the lock')
    forgetting.child.kill('SIGKILL')
    await forgetting.ended
    await index.release()
    const backup = await world.dray('backup', 'web')
    expect({ exitCode: backup.exitCode, waited: backup.events.some(isWaiting) }).toEqual({ exitCode: 0, waited: false })
    expect(await world.contents()).toBe(await world.contentsOf((await world.backups()).at(-1) ?? ''))
  }, 90_000)
})

test('backup --forget keeps what the rules say of this container, and each that stays can be restored', async () => {
  const contents = new Map<string, string>()
  await world.makeWeb('other-one')
  expect((await world.dray('backup', 'other-one')).exitCode).toBe(0)
  const [other = ''] = await world.backups()
  for (let night = 1; night <= 4; night++) {
    await world.docker('exec', 'web', 'sh', '-c', `head -c 2000000 /dev/urandom > /data/dir/f${night}; head -c 500000 /dev/urandom > /root/own`)
    const now = await world.contents()
    const { exitCode, result } = await world.dray('backup', 'web', '--forget', '--keep-last', '2')
    expect(exitCode).toBe(0)
    for (const id of result?.['ids'] as string[]) contents.set(id, now)
    expect((result?.['forget'] as { forgotten: string[] }).forgotten).toEqual(night <= 2 ? [] : [[...contents.keys()][night - 3]])
  }
  const staying = [...contents.keys()].slice(-2)
  expect(await world.backups()).toEqual([other, ...staying])
  expect((await world.dray('prune', '--grace', '0')).result).toMatchObject({ removedBlobs: expect.any(Number), missingBlobs: 0 })
  for (const id of staying) expect(await world.contentsOf(id)).toBe(contents.get(id))
  expect(await world.repositoryLeftovers()).toEqual([])
}, 120_000)
