import '../../one-realm.ts'
import { afterAll, beforeAll, test } from '@jest/globals'
import { expectSentOn, startLayeredPair, withTwoPartsThere } from './layered-pair.ts'
import type { Pair } from './pair.ts'

let pair: Pair

beforeAll(async () => {
  pair = await startLayeredPair()
  await pair.makeWeb()
}, 120_000)
afterAll(async () => pair[Symbol.asyncDispose](), 60_000)

test('a migration goes on when the target\'s engine is killed in the middle of the image, and comes back', async () => {
  await expectSentOn(pair, await withTwoPartsThere(pair, pair.migration(), async () => {
    await pair.two.host.kill('dockerd')
    await pair.two.host.restartEngine()
  }))
}, 90_000)
