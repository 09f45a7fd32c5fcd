import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { EngineName } from '../../lab/engines.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { at, expectExit, installDray, inventory, type Dray, type Result } from '../../engine/cli/dray.ts'
import { dataOf, differences, makeWhole, specOf, type WholeData } from '../../engine/cli/whole-container.ts'

const size = { files: 15_000, bytes: 1_200_000_000 }

/** Which fields engines may differ in by themselves, by where the container comes from and goes to. */
const engineDefaults: Readonly<Record<EngineName, readonly string[]>> = { '20.10': [], '26.1': ['HostConfig.MaskedPaths'], '28.5': ['HostConfig.MaskedPaths'], '28.5-overlay2': ['HostConfig.MaskedPaths'] }

describe('a container with 15,000 files and 1.2 GB, backed up on 20.10', () => {
  let source: LabHost
  let dray: Dray
  let data: WholeData
  let spec: object

  beforeAll(async () => {
    [source, dray] = await Promise.all([startHost({ engine: '20.10' }), installDray()])
    await makeWhole(source, size)
    data = await dataOf(source, 'web')
    spec = await specOf(source, 'web')
    const before = await inventory(source)
    expectExit(await dray('backup', 'store', 'web', '-H', at(source)), 0)
    expect(await inventory(source)).toEqual(before)
  }, 300_000)
  afterAll(async () => {
    await Promise.all([source[Symbol.asyncDispose](), dray[Symbol.asyncDispose]()])
  }, 60_000)

  async function restoreBoth(from: LabHost, to: LabHost, by: Dray): Promise<Result['restored'][number]> {
    expectExit(await by('restore', 'latest', 'store', '--to', at(to)), 0)
    const { result } = expectExit(await by('restore', 'latest', 'web', '--to', at(to), '--map-bind', `${from.sharedDir}:${to.sharedDir}`), 0)
    return result.restored[0]!
  }

  describe.each(['20.10', '26.1', '28.5', '28.5-overlay2'] as const)('restored on %s', name => {
    let target: LabHost
    let away: Dray

    beforeAll(async () => {
      [target, away] = await Promise.all([startHost({ engine: name }), installDray()])
    }, 120_000)
    afterAll(async () => {
      await Promise.all([target[Symbol.asyncDispose](), away[Symbol.asyncDispose]()])
    }, 60_000)

    test('is equal, but for what engines choose by themselves', async () => {
      const restored = await restoreBoth(source, target, dray)
      expect(restored).toMatchObject({ differences: [], losses: [], announced: [], state: { status: 'running', health: 'healthy' } })
      expect(restored.engineDefaults.map(({ field }) => field)).toEqual(engineDefaults[name])
      expect(differences(data, await dataOf(target, 'web'))).toEqual([])
      expect(await target.sh('docker exec web stat -c %a:%u:%g /opt/suid /opt/new')).toBe('4755:0:0\n644:33:44\n')
    }, 300_000)

    test('backed up there, and restored on a fresh 20.10, is what it was', async () => {
      const before = await inventory(target)
      const { result } = expectExit(await away('backup', 'store', 'web', '-H', at(target)), 0)
      expect(result.backups[0]).toMatchObject({ missing: [], leftOut: [{ destination: '/mem' }] })
      expect(await inventory(target)).toEqual(before)
      await using back = await startHost({ engine: '20.10' })
      const restored = await restoreBoth(target, back, away)
      expect(restored).toMatchObject({ differences: [], losses: [], announced: [], state: { status: 'running', health: 'healthy' } })
      expect(restored.engineDefaults.map(({ field }) => field)).toEqual(engineDefaults[name])
      expect(differences(data, await dataOf(back, 'web'))).toEqual([])
      expect(await specOf(back, 'web')).toEqual(spec)
    }, 300_000)
  })
})
