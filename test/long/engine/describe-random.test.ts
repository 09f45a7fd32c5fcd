import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { runDescribed } from '../../engine/engine/described-random.ts'
import { recordRandom, startRandomHost, type Recorded } from '../../engine/engine/random-replay.ts'
import type { SpecHost } from '../../engine/engine/spec-lab.ts'

const engines = ['20.10', '26.1', '28.5'] as const
const specs = Number(process.env['DRAY_SPECS'] ?? 100)
const seed = Number(process.env['DRAY_SEED'] ?? 20261129)

describe.each(engines)(`random containers of %s, by seed ${seed}`, from => {
  let host: SpecHost
  let recorded: readonly Recorded[]

  beforeAll(async () => {
    host = await startRandomHost(from)
    recorded = (await recordRandom(host, specs, seed)).recorded
  }, 300_000)
  afterAll(async () => {
    await host[Symbol.asyncDispose]()
  }, 60_000)

  test.each(['docker run', '2.26', '2.40'] as const)('are the same when what describe prints is run by docker run or compose (%s), but for what it says it cannot express', async by => {
    expect(recorded).toHaveLength(specs)
    const { unsaid, gaps } = await runDescribed(host, recorded, by)
    process.stderr.write(`${from} by ${by}: not expressible: ${JSON.stringify(Object.fromEntries([...gaps].sort()))}\n`)
    expect(unsaid).toEqual([])
  }, 1_200_000)
})
