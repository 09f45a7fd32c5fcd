import '../../../one-realm.ts'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { backupSteps, nearlyLast, undoableSteps } from '../../../fault/cli/chosen-steps.ts'
import { isStep, type DrayEvent } from '../../../fault/cli/dray-process.ts'
import { useWorld } from '../../../fault/cli/use-world.ts'
import type { Inventory, World } from '../../../fault/cli/world.ts'

let world: World
let before: Inventory
let contents: string

useWorld(started => void (world = started))

async function killed(args: readonly string[], at: (event: DrayEvent) => boolean): Promise<void> {
  expect(await world.drayWith(args, at, 'SIGKILL')).toMatchObject({ met: true, exitCode: 137 })
}

async function expectAsBefore(): Promise<void> {
  expect(await world.inventory()).toEqual(before)
  expect(await world.contents()).toBe(contents)
  expect(await world.journals()).toEqual([])
}

async function expectWholeBackup(): Promise<void> {
  const { exitCode, result, stderr } = await world.dray('backup', 'web')
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  expect(result).toMatchObject({ backups: [{ freeze: { way: 'pause', disturbed: false }, missing: [], mounts: [{ problems: [] }, { problems: [] }] }] })
  expect(await world.repositoryLeftovers()).toEqual([])
}

describe('a backup that is killed', () => {
  beforeEach(async () => {
    before = await world.inventory()
    contents = await world.contents()
  }, 30_000)

  test.each(backupSteps)('when it begins to %s', async name => {
    await killed(['backup', 'web'], isStep(name))
    expect(await world.dray('clean')).toMatchObject({ exitCode: 0, stderr: '' })
    await expectAsBefore()
    await expectWholeBackup()
    await expectAsBefore()
  }, 60_000)

  test('while it rests: the next backup puts that right by itself', async () => {
    await killed(['backup', 'web'], isStep('read what has changed, while it rests'))
    await expectWholeBackup()
    await expectAsBefore()
  }, 60_000)
})

describe('a restore that is killed', () => {
  test.each(undoableSteps)('when it begins to %s', async name => {
    expect((await world.dray('backup', 'web')).exitCode).toBe(0)
    await world.removeAll()
    before = await world.inventory()
    await killed(['restore', 'latest', 'web'], isStep(name))
    expect(await world.dray('clean')).toMatchObject({ exitCode: 0, stderr: '' })
    expect(await world.inventory()).toEqual(before)
    expect(await world.journals()).toEqual([])
    expect((await world.dray('restore', 'latest', 'web')).exitCode).toBe(0)
    expect(await world.status()).toBe('running')
  }, 60_000)
})

describe('a restore with --replace that is killed', () => {
  beforeEach(async () => {
    expect((await world.dray('backup', 'web')).exitCode).toBe(0)
    await world.docker('exec', 'web', 'sh', '-c', 'rm /data/dir/f1 /data/s2; echo new > /data/which; head -c 2000000 /dev/urandom > /data/dir/f2; echo more >> /root/own')
    before = await world.inventory()
    contents = await world.contents()
  }, 60_000)

  test.each([...undoableSteps, ...backupSteps])('when it begins to %s', async name => {
    await killed(['restore', 'latest', 'web', '--replace'], isStep(name))
    expect(await world.dray('clean')).toMatchObject({ exitCode: 0, stderr: '' })
    await expectAsBefore()
    expect((await world.dray('restore', 'latest', 'web', '--replace')).exitCode).toBe(0)
    expect(await world.docker('exec', 'web', 'cat', '/data/which')).toBe('old')
    expect(await world.repositoryLeftovers()).toEqual([])
  }, 90_000)

  test('when it is nearly done: the old one or the new one is there, whole', async () => {
    await killed(['restore', 'latest', 'web', '--replace'], isStep(nearlyLast))
    expect(await world.dray('clean')).toMatchObject({ exitCode: 0, stderr: '' })
    if (await world.docker('exec', 'web', 'cat', '/data/which') === 'new') await expectAsBefore()
    else expect(await world.dray('clean', '--kept', '--yes')).toMatchObject({ exitCode: 0 })
    expect((await world.inventory()).containers).toEqual([expect.stringMatching(/ web running web-net$/)])
    expect(await world.journals()).toEqual([])
  }, 60_000)

  test('when the new one is live: it stays, and the old one is kept', async () => {
    await killed(['restore', 'latest', 'web', '--replace'], isStep('retire what was replaced'))
    expect(await world.dray('clean')).toMatchObject({ exitCode: 0, stderr: '' })
    expect((await world.inventory()).containers.map(each => each.slice(65)).sort()).toEqual(['web running web-net', expect.stringMatching(/^web-replaced-\S+ exited web-net$/)])
    expect(await world.docker('ps', '-aq', '--filter', 'name=web-replaced', '--format', '{{.ID}}').then(id => world.docker('inspect', '-f', '{{.HostConfig.RestartPolicy.Name}}', id))).toBe('no')
    expect(await world.docker('exec', 'web', 'cat', '/data/which')).toBe('old')
    expect(await world.journals()).toEqual([])
  }, 60_000)
})
