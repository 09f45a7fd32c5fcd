import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { runDescribed } from './described-random.ts'
import { recordRandom, startRandomHost, type Recorded } from './random-replay.ts'
import type { SpecHost } from './spec-lab.ts'

const specs = 6
const seed = Number(process.env['DRAY_SEED'] ?? 20261130)
let host: SpecHost
let recorded: readonly Recorded[]

beforeAll(async () => {
  host = await startRandomHost('20.10')
  recorded = (await recordRandom(host, specs, seed)).recorded
}, 60_000)
afterAll(async () => {
  await host[Symbol.asyncDispose]()
}, 60_000)

test(`a few random containers, by seed ${seed}, are the same when what describe prints is run, but for what it says it cannot express`, async () => {
  expect(recorded).toHaveLength(specs)
  expect(recorded.map(({ record }) => record.inspect.State.Status)).toContain('running')
  for (const by of ['docker run', '2.26'] as const) expect((await runDescribed(host, recorded, by)).unsaid).toEqual([])
}, 60_000)
