import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startHost, type LabHost } from '../../lab/host.ts'
import { installDray, type Dray } from './dray.ts'
import { makeThree, migrateThree, pageOf, statesOf } from './migrated.ts'
import { dataOf, differences, specOf } from './whole-container.ts'

let one: LabHost
let two: LabHost
let dray: Dray

beforeAll(async () => {
  [one, two] = await Promise.all([startHost({ engine: '20.10' }), startHost({ engine: '20.10' })])
  dray = await installDray(one.ssh.env)
  await makeThree(one, { files: 200, bytes: 10_000_000 })
}, 120_000)

afterAll(async () => {
  await Promise.all([one[Symbol.asyncDispose](), two[Symbol.asyncDispose](), dray[Symbol.asyncDispose]()])
}, 60_000)

test('three containers are moved whole, over ssh, and the page is served by the new host', async () => {
  const [data, spec] = [await dataOf(one, 'web'), await specOf(one, 'web')]
  const { containers, downtimeMilliseconds } = await migrateThree(dray, one, two)
  for (const each of containers) expect(each).toMatchObject({ differences: [], engineDefaults: [], announced: [], losses: [] })
  expect(containers.map(({ name, state }) => [name, state])).toEqual([['store', { status: 'created' }], ['web', { status: 'running', health: 'healthy' }], ['page', { status: 'running' }]])
  expect(downtimeMilliseconds).toBeGreaterThan(0)
  expect(differences(data, await dataOf(two, 'web'))).toEqual([])
  expect(await specOf(two, 'web')).toEqual(spec)
  expect(await pageOf(two)).toBe('the page\n')
  expect(await statesOf(one)).toEqual({ web: 'exited no', store: 'created no', page: 'exited no' })
  expect(readdirSync(join(dray.state, 'drayage/journal')).filter(name => name.endsWith('.ndjson'))).toEqual([])
  expect(await two.sh('docker ps -a --format {{.Names}} | grep drayage; docker volume ls -q | grep drayage; docker images | grep drayage; true')).toBe('')
}, 120_000)
