import '../../one-realm.ts'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { backupSteps, chosen, lastSteps, undoableSteps } from './chosen-steps.ts'
import { isStep, type DrayEvent } from './dray-process.ts'
import { useWorld } from './use-world.ts'
import type { Inventory, World } from './world.ts'

let world: World
let before: Inventory
let contents: string

useWorld(started => void (world = started))

/** The engine is as it was, the container works with its data, and neither the journal nor the repository holds anything half made. */
async function expectAsBefore(): Promise<void> {
  expect(await world.inventory()).toEqual(before)
  expect(await world.contents()).toBe(contents)
  expect(await world.journals()).toEqual([])
  expect(await world.repositoryLeftovers()).toEqual([])
}

async function remember(): Promise<void> {
  before = await world.inventory()
  contents = await world.contents()
}

const atRest = 'read what has changed, while it rests'
const codes = { SIGINT: 130, SIGTERM: 143 } as const

describe('a backup that is interrupted', () => {
  beforeEach(remember, 30_000)

  async function interrupted(at: (event: DrayEvent) => boolean, signal: keyof typeof codes): Promise<void> {
    const { exitCode, stderr, met } = await world.drayWith(['backup', 'web'], at, signal)
    expect({ met, stderr }).toEqual({ met: true, stderr: expect.stringContaining(`dray: ${signal}: stopping and putting everything back`) })
    await expectAsBefore()
    const made = await world.backups()
    // A signal during the last step may come too late: then the backup is there, and that is said.
    expect({ exitCode, made: made.length }).toEqual(at({ event: 'step', name: backupSteps.at(-1) ?? '', state: 'started' }) && made.length === 1 ? { exitCode: 0, made: 1 } : { exitCode: codes[signal], made: 0 })
    expect((await world.dray('backup', 'web')).exitCode).toBe(0)
    await expectAsBefore()
    expect(await world.backups()).toHaveLength(made.length + 1)
  }

  test.each(backupSteps.map(name => [name, name === atRest ? 'SIGTERM' : 'SIGINT'] as const))('when it begins to %s by %s', async (name, signal) => interrupted(isStep(name), signal), 60_000)
})

describe('a restore that is interrupted', () => {
  beforeEach(async () => {
    expect((await world.dray('backup', 'web')).exitCode).toBe(0)
    await world.removeAll()
    before = await world.inventory()
  }, 60_000)

  test.each(chosen(undoableSteps, ['bring its images', 'create the container']))('by SIGINT when it begins to %s', async name => {
    const { exitCode, met, stderr } = await world.drayWith(['restore', 'latest', 'web'], isStep(name), 'SIGINT')
    expect({ exitCode, met, stderr }).toMatchObject({ exitCode: 130, met: true })
    expect(await world.inventory()).toEqual(before)
    expect(await world.journals()).toEqual([])
    expect(await world.repositoryLeftovers()).toEqual([])
    expect((await world.dray('restore', 'latest', 'web')).exitCode).toBe(0)
    expect(await world.status()).toBe('running')
  }, 60_000)
})

describe('a restore with --replace that is interrupted', () => {
  beforeEach(async () => {
    expect((await world.dray('backup', 'web')).exitCode).toBe(0)
    await world.docker('exec', 'web', 'sh', '-c', 'rm /data/dir/f1 /data/s2; echo new > /data/which; head -c 2000000 /dev/urandom > /data/dir/f2; echo more >> /root/own')
    await remember()
  }, 60_000)

  test.each([...chosen(undoableSteps, ['set aside what is replaced', 'write its data', 'give it its state']), ...chosen(backupSteps, [atRest])])('by SIGINT when it begins to %s', async name => {
    const { exitCode, met, stderr } = await world.drayWith(['restore', 'latest', 'web', '--replace'], isStep(name), 'SIGINT')
    expect({ exitCode, met, stderr }).toMatchObject({ exitCode: 130, met: true })
    await expectAsBefore()
    expect((await world.dray('restore', 'latest', 'web', '--replace')).exitCode).toBe(0)
    expect(await world.docker('exec', 'web', 'cat', '/data/which')).toBe('old')
  }, 60_000)

  test.each(chosen(lastSteps, lastSteps.slice(0, 1)))('by SIGINT when it begins to %s: the new one is live, and stays', async name => {
    expect(await world.drayWith(['restore', 'latest', 'web', '--replace'], isStep(name), 'SIGINT')).toMatchObject({ met: true, exitCode: 0 })
    expect((await world.inventory()).containers.map(each => each.slice(65)).sort()).toEqual(['web running web-net', expect.stringMatching(/^web-replaced-\S+ exited web-net$/)])
    expect(await world.docker('exec', 'web', 'cat', '/data/which')).toBe('old')
    expect(await world.journals()).toEqual([])
  }, 60_000)
})
