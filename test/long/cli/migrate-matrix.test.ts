import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { EngineName } from '../../lab/engines.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { installDray, inventory, type Dray } from '../../engine/cli/dray.ts'
import { makeThree, migrate, pageOf, statesOf } from '../../engine/cli/migrated.ts'
import { dataOf, differences } from '../../engine/cli/whole-container.ts'

const engines = ['20.10', '26.1', '28.5'] as const
const pairs = engines.flatMap(from => engines.map(to => [from, to] as const))

/** Which fields engines differ in by themselves. */
const byThemselves = (from: EngineName, to: EngineName): string[] => ((from === '20.10') === (to === '20.10') ? [] : ['HostConfig.MaskedPaths'])

describe.each(pairs)('from %s to %s, over ssh', (from, to) => {
  let one: LabHost
  let two: LabHost
  let dray: Dray

  beforeAll(async () => {
    [one, two] = await Promise.all([startHost({ engine: from }), startHost({ engine: to })])
    dray = await installDray(one.ssh.env)
    await makeThree(one, { files: 2_000, bytes: 100_000_000 })
  }, 180_000)
  afterAll(async () => {
    await Promise.all([one[Symbol.asyncDispose](), two[Symbol.asyncDispose](), dray[Symbol.asyncDispose]()])
  }, 60_000)

  test('all is moved, the page is served by the target, and what it was made from can be saved', async () => {
    const data = await dataOf(one, 'web')
    const { containers, downtimeMilliseconds, images } = await migrate(dray, ['web', 'store', 'page'], one, two)
    process.stderr.write(`migrate ${from} to ${to}: ${downtimeMilliseconds} ms of downtime, ${images.sentBytes} bytes of images; ${images.notes.join('; ')}\n`)
    for (const each of containers) {
      expect(each).toMatchObject({ differences: [], losses: [] })
      expect(each.engineDefaults.map(({ field }) => field).filter(field => !byThemselves(from, to).includes(field))).toEqual([])
    }
    expect(differences(data, await dataOf(two, 'web'))).toEqual([])
    expect(await pageOf(two)).toBe('the page\n')
    expect(await statesOf(one, 'web', 'store', 'page')).toEqual({ web: 'exited no', store: 'created no', page: 'exited no' })
    await two.sh('for image in shop/web:1 $(docker inspect -f {{.Image}} web page); do docker save $image > /dev/null; done')
  }, 180_000)

  test('all is taken back, and nothing stays on the target', async () => {
    const [record = ''] = await readdir(join(dray.state, 'drayage/runs'))
    const { exitCode, stderr } = await dray('migrate', '--undo', record.replace('.json', ''), '--discard-new-data', '--yes')
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 })
    expect(await statesOf(one, 'web', 'store', 'page')).toEqual({ web: 'running unless-stopped', store: 'created no', page: 'running always' })
    expect(await pageOf(one)).toBe('the page\n')
    expect(await inventory(two)).toMatchObject({ containers: [], images: [], volumes: [] })
  }, 120_000)
})
