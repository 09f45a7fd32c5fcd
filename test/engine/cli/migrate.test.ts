import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startHost, type LabHost } from '../../lab/host.ts'
import { makeOddTree } from '../../trees/odd-tree.ts'
import { docker, installDray, type Dray } from './dray.ts'
import { migrate, pageOf, runPage, statesOf } from './migrated.ts'
import { dataOf, differences, makeImage, mountpoint } from './whole-container.ts'

let one: LabHost
let two: LabHost
let dray: Dray

beforeAll(async () => {
  [one, two] = await Promise.all([startHost({ engine: '20.10' }), startHost({ engine: '20.10' })])
  dray = await installDray(one.ssh.env)
  await makeImage(one)
  await docker(one, 'volume', 'create', '--label', 'vol=label', 'odd')
  await makeOddTree(await mountpoint(one, 'odd'), { trusted: true })
  writeFileSync(join(one.sharedDir, 'app.conf'), 'key = value\n')
  await docker(one, 'network', 'create', '--subnet', '10.97.41.0/24', 'page-net')
  await runPage(one, '--network page-net --ip 10.97.41.41 --memory 96m -l a=b', '-v odd:/odd', `-v ${one.sharedDir}/app.conf:/etc/app.conf:ro`)
  await docker(one, 'exec', 'page', 'sh', '-c', 'rm /opt/deleted; echo new > /opt/new; chmod 4755 /opt/new')
}, 120_000)

afterAll(async () => {
  await Promise.all([one[Symbol.asyncDispose](), two[Symbol.asyncDispose](), dray[Symbol.asyncDispose]()])
}, 60_000)

test('a container is moved whole, over ssh, and its page is served by the new host', async () => {
  const data = await dataOf(one, 'page')
  const { containers, downtimeMilliseconds } = await migrate(dray, ['page'], one, two)
  expect(containers).toEqual([expect.objectContaining({ name: 'page', state: { status: 'running' }, differences: [], engineDefaults: [], announced: [], losses: [] })])
  expect(downtimeMilliseconds).toBeGreaterThan(0)
  expect(differences(data, await dataOf(two, 'page'))).toEqual([])
  expect(await pageOf(two)).toBe('the page\n')
  expect(await statesOf(one, 'page')).toEqual({ page: 'exited no' })
  expect(readdirSync(join(dray.state, 'drayage/journal')).filter(name => name.endsWith('.ndjson'))).toEqual([])
  expect(await two.sh('docker ps -a --format {{.Names}} | grep drayage; docker volume ls -q | grep drayage; docker images | grep drayage; true')).toBe('')
}, 120_000)
