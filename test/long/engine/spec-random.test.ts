import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { unknownFields } from '../../../src/engine/spec/unknown-fields.ts'
import type { EngineName } from '../../lab/engines.ts'
import { recordRandom, replayAll, startRandomHost, type Recorded } from '../../engine/engine/random-replay.ts'
import type { SpecHost } from '../../engine/engine/spec-lab.ts'

const engines = ['20.10', '26.1', '28.5'] as const
const specs = 200
const seed = Number(process.env['DRAY_SEED'] ?? 20261128)

/** What older engines do not have. */
const lossesOf: Readonly<Record<string, readonly string[]>> = { '20.10': ['Config.Healthcheck.StartInterval', 'GwPriority', 'HostConfig.Annotations'], '26.1': ['GwPriority'], '28.5': [] }

describe(`random containers, by seed ${seed}`, () => {
  const hosts = new Map<EngineName, SpecHost>()

  beforeAll(async () => {
    for (const each of engines) hosts.set(each, await startRandomHost(each))
  }, 180_000)
  afterAll(async () => {
    for (const host of hosts.values()) await host[Symbol.asyncDispose]()
  }, 60_000)

  describe.each(engines)('of %s', from => {
    let recorded: readonly Recorded[]

    beforeAll(async () => {
      const made = await recordRandom(hosts.get(from)!, specs, seed)
      process.stderr.write(`${from}: ${made.recorded.length} containers; refused by the engine: ${made.refused.length}\n`)
      recorded = made.recorded
    }, 300_000)

    test('hold no field that the tables do not know', () => {
      expect(recorded.flatMap(({ record }) => unknownFields(record.inspect))).toEqual([])
    })

    test.each(engines)('are made again on %s as they were', async to => {
      expect(recorded).toHaveLength(specs)
      const { failures, losses, engineDefaults } = await replayAll(hosts.get(to)!, recorded)
      expect(failures).toEqual([])
      expect(losses.map(field => field.replace(/^.*(?=GwPriority)/, '')).filter(field => !lossesOf[to]!.includes(field))).toEqual([])
      expect(engineDefaults.filter(field => field !== 'HostConfig.MaskedPaths')).toEqual([])
    }, 600_000)
  })
})
