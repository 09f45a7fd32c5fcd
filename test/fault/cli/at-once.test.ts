import '../../one-realm.ts'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { DrayProcess, isStep } from './dray-process.ts'
import { World, type Inventory } from './world.ts'

const pruneProgram = fileURLToPath(new URL('prune-child.js', import.meta.url))
let world: World
let before: Inventory

beforeAll(async () => {
  world = await World.start()
}, 120_000)
afterAll(async () => world[Symbol.asyncDispose](), 60_000)

beforeEach(async () => {
  await world.fresh()
  await world.makeWeb()
  before = await world.inventory()
}, 30_000)
afterEach(async () => world.removeAll(), 60_000)

async function prune(waitMs: number): Promise<{ code?: string; removedBlobs?: number }> {
  const child = spawn(process.execPath, [pruneProgram, world.repo, String(waitMs)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  await once(child, 'close')
  return JSON.parse(said) as { code?: string }
}

/** Restores every backup under another name and returns what its data is. */
async function contentsOf(backup: string): Promise<string> {
  const { exitCode, stderr } = await world.dray('restore', backup, '--name', 'other', '--map-volume', 'web-data:other-data', '--map-volume', 'web-logs:other-logs')
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  const contents = await world.contents('other')
  expect(await world.status('other')).toBe('running')
  await world.docker('rm', '-f', 'other')
  await world.docker('volume', 'rm', 'other-data', 'other-logs')
  return contents
}

describe('two at once', () => {
  test.each([['pause', 'pause'], ['stop', 'pause'], ['pause', 'stop']])('backups of one container (%s and %s): both are whole, and of a running container', async (one, other) => {
    const contents = await world.contents()
    const args = (consistency: string): string[] => ['backup', 'web', '--consistency', consistency]
    let second: Promise<unknown> | undefined
    const first = new DrayProcess(args(one), world.env, event => {
      if (isStep('read what has changed, while it rests')(event)) second ??= new DrayProcess(args(other), world.env).ended
    })
    expect(await first.ended).toMatchObject({ exitCode: 0 })
    expect(await second).toMatchObject({ exitCode: 0, result: { backups: [{ freeze: { way: other, disturbed: false } }] } })
    const { containers, ...rest } = await world.inventory()
    expect({ containers, ...rest }).toEqual(before)
    for (const id of await world.backups()) expect(await contentsOf(id)).toBe(contents)
    expect(await world.journals()).toEqual([])
    expect(await world.repositoryLeftovers()).toEqual([])
  }, 90_000)

  test('five backups of one container', async () => {
    const ends = await Promise.all(Array.from({ length: 5 }, () => world.dray('backup', 'web')))
    expect(ends.map(({ exitCode, stderr }) => ({ exitCode, stderr }))).toEqual(ends.map(() => ({ exitCode: 0, stderr: '' })))
    for (const { result } of ends) expect(result).toMatchObject({ backups: [{ freeze: { way: 'pause', disturbed: false } }] })
    expect(await world.inventory()).toEqual(before)
    expect(await world.backups()).toHaveLength(5)
    expect(await world.repositoryLeftovers()).toEqual([])
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
  test('waits for its end, or says that it is locked; nothing is lost', async () => {
    const contents = await world.contents()
    let pruned: Promise<readonly { code?: string }[]> | undefined
    const { ended } = new DrayProcess(['backup', 'web'], world.env, event => {
      if (isStep('read its mounts')(event)) pruned ??= Promise.all([prune(0), prune(60_000)])
    })
    expect(await ended).toMatchObject({ exitCode: 0 })
    expect(await pruned).toEqual([{ code: 'locked', exitCode: 31 }, expect.objectContaining({ removedBlobs: expect.any(Number) })])
    const [id = ''] = await world.backups()
    expect(await contentsOf(id)).toBe(contents)
  }, 60_000)

  test('takes what an interrupted backup had stored, and no listed one', async () => {
    const contents = await world.contents()
    expect((await world.dray('backup', 'web')).exitCode).toBe(0)
    await world.docker('exec', 'web', 'sh', '-c', 'head -c 80000000 /dev/urandom > /data/new')
    expect((await world.drayWith(['backup', 'web'], isStep('store its writable layer'), 'SIGKILL')).met).toBe(true)
    expect((await prune(0)).removedBlobs).toBeGreaterThan(0)
    const [id = ''] = await world.backups()
    expect(await contentsOf(id)).toBe(contents)
    expect((await world.dray('backup', 'web')).exitCode).toBe(0)
  }, 60_000)
})
