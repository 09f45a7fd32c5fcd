import '../../../one-realm.ts'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { undoReplacementPipeline } from '../../../../src/workflows/undo.ts'
import { upgradePipeline } from '../../../../src/workflows/upgrade.ts'
import { busyboxImage } from '../../../lab/images.ts'
import { chosen } from '../../../fault/cli/chosen-steps.ts'
import { isStep } from '../../../fault/cli/dray-process.ts'
import { useWorld } from '../../../fault/cli/use-world.ts'
import type { Inventory, World } from '../../../fault/cli/world.ts'

let world: World
let before: Inventory
let contents: string

const stepsBefore = (last: string, plan: readonly { readonly name: string }[], few: readonly string[]): string[] => {
  const names = plan.map(({ name }) => name)
  return chosen(names.slice(0, names.indexOf(last)), few)
}
const upgradeSteps = stepsBefore('keep it', upgradePipeline.plan(), ['start it and wait for health'])
const undoSteps = stepsBefore('give up what the run made', undoReplacementPipeline.plan(), ['bring the old containers back'])

useWorld(started => void (world = started), async () => {
  await busyboxImage(world.host, 'box:2', { cmd: ['sh', '-c', 'echo eaten > /data/which; sleep 100000'] })
}, 60_000)

/** The one that ran runs, with its data, and nothing is left of the other. */
async function expectAsBefore(): Promise<void> {
  expect(await world.inventory()).toEqual(before)
  expect(await world.contents()).toBe(contents)
  expect(await world.journals()).toEqual([])
  expect(await world.dray('clean', '--kept', '--dry-run')).toMatchObject({ exitCode: 0, result: { removed: keptThen } })
}

let keptThen: readonly string[]

async function remember(kept: readonly string[]): Promise<void> {
  keptThen = kept
  before = await world.inventory()
  contents = await world.contents()
}

describe('an upgrade', () => {
  const upgrade = ['upgrade', 'web', 'box:2', '--settle', '5']
  beforeEach(async () => remember([]), 30_000)

  test.each(upgradeSteps)('that is interrupted when it begins to %s', async name => {
    expect(await world.drayWith(upgrade, isStep(name), 'SIGINT')).toMatchObject({ met: true, exitCode: 130 })
    expect(await world.repositoryLeftovers()).toEqual([])
    await expectAsBefore()
  }, 60_000)

  test.each(upgradeSteps)('that is killed when it begins to %s', async name => {
    expect(await world.drayWith(upgrade, isStep(name), 'SIGKILL')).toMatchObject({ met: true, exitCode: 137 })
    expect(await world.dray('clean')).toMatchObject({ exitCode: 0, stderr: '' })
    await expectAsBefore()
  }, 60_000)
})

describe('undo', () => {
  let undo: readonly string[]
  beforeEach(async () => {
    expect(await world.dray('backup', 'web')).toMatchObject({ exitCode: 0 })
    await world.docker('exec', 'web', 'sh', '-c', 'rm /data/dir/f1; echo new > /data/which')
    const { result } = await world.dray('restore', 'latest', 'web', '--replace')
    undo = ['undo', String(result?.['run']), '--yes']
    await remember((result?.['restored'] as { keptAs: string[] }[])[0]!.keptAs)
  }, 60_000)

  test.each(undoSteps)('that is interrupted when it begins to %s', async name => {
    expect(await world.drayWith(undo, isStep(name), 'SIGINT')).toMatchObject({ met: true, exitCode: 130 })
    expect(await world.repositoryLeftovers()).toEqual([])
    await expectAsBefore()
    expect(await world.dray(...undo)).toMatchObject({ exitCode: 0 })
    expect(await world.docker('exec', 'web', 'cat', '/data/which')).toBe('new')
  }, 60_000)

  test.each(undoSteps)('that is killed when it begins to %s', async name => {
    expect(await world.drayWith(undo, isStep(name), 'SIGKILL')).toMatchObject({ met: true, exitCode: 137 })
    expect(await world.dray('clean')).toMatchObject({ exitCode: 0, stderr: '' })
    await expectAsBefore()
  }, 60_000)

  test('that is killed when it is done but for what it removes: that goes, and the old one runs', async () => {
    expect(await world.drayWith(undo, isStep('remove what the run made'), 'SIGKILL')).toMatchObject({ met: true, exitCode: 137 })
    expect(await world.dray('clean')).toMatchObject({ exitCode: 0, stderr: '' })
    expect((await world.inventory()).containers).toEqual([expect.stringMatching(/ web running web-net$/)])
    expect(await world.docker('exec', 'web', 'cat', '/data/which')).toBe('new')
    expect(await world.dray('clean', '--kept', '--dry-run')).toMatchObject({ exitCode: 0, result: { removed: [] } })
  }, 60_000)
})

describe('a drill', () => {
  test.each(['SIGINT', 'SIGKILL'] as const)('that gets %s while its copy starts leaves nothing', async signal => {
    expect(await world.dray('backup', 'web')).toMatchObject({ exitCode: 0 })
    await remember([])
    const { met, exitCode } = await world.drayWith(['drill', 'latest', 'web', '--settle', '5'], isStep('start it and wait for health'), signal)
    expect({ met, exitCode }).toEqual({ met: true, exitCode: signal === 'SIGINT' ? 130 : 137 })
    if (signal === 'SIGKILL') expect(await world.dray('clean')).toMatchObject({ exitCode: 0, stderr: '' })
    await expectAsBefore()
  }, 60_000)
})
