import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { installDray, type Dray } from '../../engine/cli/dray.ts'
import { startRandomHost } from '../../engine/engine/random-replay.ts'
import { restoreRandom, sampleSpecs, startRandomTarget, type Restored } from '../../engine/engine/random-restore.ts'
import type { SpecHost } from '../../engine/engine/spec-lab.ts'
import type { EngineName } from '../../lab/engines.ts'

const wanted = Number(process.env['DRAY_SPECS'] ?? 200)
const atOnce = 20
const seed = Number(process.env['DRAY_SEED'] ?? 20261131)
const engines = ['20.10', '26.1', '28.5'] as const
const pairs: readonly (readonly [EngineName, EngineName])[] = engines.flatMap(from => engines.map(to => [from, to] as const))

/** What older engines do not have. */
const lossesOf: Readonly<Record<string, readonly string[]>> = { '20.10': ['Config.Healthcheck.StartInterval', 'GwPriority', 'HostConfig.Annotations'], '26.1': ['GwPriority'], '28.5': [] }

describe.each(pairs)(`random containers, by seed ${seed}, from %s to %s`, (from, to) => {
  let [source, target]: SpecHost[] = []
  let dray: Dray

  beforeAll(async () => {
    dray = await installDray()
    source = await startRandomHost(from)
    target = from === to ? source : await startRandomTarget(to, source)
  }, 300_000)
  afterAll(async () => {
    await dray[Symbol.asyncDispose]()
    await source![Symbol.asyncDispose]()
    if (target !== source) await target![Symbol.asyncDispose]()
  }, 60_000)

  test('are equal after they were backed up, removed and restored, those that ran while they ran', async () => {
    const specs = sampleSpecs(source!.engine.facts.apiVersion, wanted * 3, seed)
    const all: Restored[] = []
    const count = (what: 'containers' | 'running'): number => all.reduce((sum, each) => sum + each[what], 0)
    for (let at = 0; at < specs.length && count('containers') < wanted; at += atOnce) all.push(await restoreRandom(dray, source!, target!, specs.slice(at, at + atOnce), `random-${at}`))
    process.stderr.write(`${from} to ${to}: ${count('containers')} containers, ${count('running')} of them running\n`)
    expect(all.flatMap(({ failures }) => failures)).toEqual([])
    expect(all.flatMap(({ losses }) => losses).map(field => field.replace(/^.*(?=GwPriority)/, '')).filter(field => !lossesOf[to]!.includes(field))).toEqual([])
    expect(count('containers')).toBeGreaterThanOrEqual(wanted)
    expect(count('running')).toBeGreaterThan(wanted / 5)
  }, 1_800_000)
})
