import '../../one-realm.ts'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { must } from '../../lab/command.ts'
import { World } from './world.ts'

let world: World
let small: string

beforeAll(async () => {
  world = await World.start()
  small = join(world.folder, 'small')
  await mkdir(small)
  const image = join(world.folder, 'small.img')
  await must('truncate', ['-s', '24M', image])
  await must('mkfs.ext4', ['-q', '-m', '0', image])
  await must('mount', ['-o', 'loop', image, small])
}, 120_000)
afterAll(async () => {
  await must('umount', [small])
  await world[Symbol.asyncDispose]()
}, 60_000)

const freeBytes = async (): Promise<number> => Number((await must('df', ['--output=avail', '-B1', small])).split('\n')[1])

test('the repository\'s disk is full: exit 30, nothing is listed, the container runs, and a smaller backup fits afterwards', async () => {
  await world.makeWeb()
  const before = await world.inventory()
  const contents = await world.contents()
  world.repo = join(small, 'repo')
  for (let time = 1; time <= 2; time++) {
    expect(await world.dray('backup', 'web')).toMatchObject({ exitCode: 30, result: { error: { code: 'io-failed', message: expect.stringContaining('no space left on device'), hints: [expect.stringContaining('free some space')] } } })
    expect(await world.inventory()).toEqual(before)
    expect(await world.contents()).toBe(contents)
    expect(await world.journals()).toEqual([])
    expect(await world.backups()).toEqual([])
    expect(await world.repositoryLeftovers()).toEqual([])
  }
  await must('rm', ['-r', world.repo])
  expect(await freeBytes()).toBeGreaterThan(15_000_000)
  expect(await world.dray('backup', 'web', '--exclude', 'web-data')).toMatchObject({ exitCode: 0 })
  await world.removeAll()
}, 120_000)

test('the target engine\'s disk is full: exit 40, and all that was made is removed', async () => {
  await world.fresh()
  await world.makeWeb()
  await world.docker('exec', 'web', 'sh', '-c', 'head -c 60000000 /dev/urandom > /data/big')
  expect((await world.dray('backup', 'web')).exitCode).toBe(0)
  await using target = await World.start('20.10', { storageMib: 64 })
  const before = await target.inventory()
  const ended = await world.dray('restore', 'latest', 'web', '--to', target.address)
  expect(ended).toMatchObject({ exitCode: 40, result: { error: { code: 'rolled-back', message: expect.stringMatching(/no space left on device/i) } } })
  expect(ended.result).toMatchObject({ error: { hints: [expect.stringContaining('free some space')] } })
  expect(await target.inventory()).toEqual(before)
  expect(await world.journals()).toEqual([])
  expect(await world.status()).toBe('running')
  await world.removeAll()
}, 180_000)
