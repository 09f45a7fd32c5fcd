import '../../../one-realm.ts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { expectSentOn, startLayeredPair, storedLayers, withTwoPartsThere } from '../../../fault/cli/layered-pair.ts'
import { must } from '../../../lab/command.ts'
import type { Pair } from '../../../fault/cli/pair.ts'

describe.each(['20.10', '28.5'] as const)('an image is sent on, docker %s', engine => {
  let pair: Pair
  let layersBefore: number
  beforeAll(async () => {
    pair = await startLayeredPair(engine, engine)
  }, 240_000)
  afterAll(async () => pair[Symbol.asyncDispose](), 60_000)
  beforeEach(async () => {
    await pair.makeWeb()
    layersBefore = await storedLayers(pair.two)
  }, 60_000)
  afterEach(async () => pair.removeAll(), 60_000)

  async function expectAsBefore(): Promise<void> {
    expect(await pair.state()).toEqual(pair.asBefore())
    expect(await storedLayers(pair.two)).toBe(layersBefore)
  }

  test('the target is killed and comes back', async () => {
    await expectSentOn(pair, await withTwoPartsThere(pair, pair.migration(), async () => {
      await pair.two.host.kill('dockerd')
      await pair.two.host.restartEngine()
    }))
  }, 120_000)

  test('every ssh is killed', async () => {
    await expectSentOn(pair, await withTwoPartsThere(pair, pair.migration('ssh'), async ({ child }) => must('pkill', ['-KILL', '-x', '-P', String(child.pid), 'ssh'])))
  }, 120_000)

  test('the target stays away: the source runs, and dray clean does the rest when it is back', async () => {
    const { exitCode } = await withTwoPartsThere(pair, pair.migration(), async () => pair.two.host.kill('dockerd'))
    expect(exitCode).toBe(41)
    expect(await pair.dataOf(pair.one)).toBe(pair.contents)
    await pair.two.host.restartEngine()
    expect(await pair.dray('clean')).toMatchObject({ exitCode: 0 })
    await expectAsBefore()
  }, 120_000)

  test('kill -9, and dray clean', async () => {
    await withTwoPartsThere(pair, pair.migration(), async ({ child }) => Promise.resolve(child.kill('SIGKILL')))
    expect(await pair.dray('clean')).toMatchObject({ exitCode: 0 })
    await expectAsBefore()
  }, 120_000)

  test('SIGINT', async () => {
    const { exitCode } = await withTwoPartsThere(pair, pair.migration(), async ({ child }) => Promise.resolve(child.kill('SIGINT')))
    expect(exitCode).toBe(130)
    await expectAsBefore()
  }, 120_000)
})
