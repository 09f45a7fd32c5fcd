import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startHost, type LabHost } from '../../lab/host.ts'
import { expectExit, inspect, installDray, type Answer, type Dray } from './dray.ts'
import { dataOf, differences, makeWhole, type WholeData } from './whole-container.ts'

let one: LabHost
let two: LabHost
let dray: Dray
let original: WholeData

beforeAll(async () => {
  [one, two] = await Promise.all([startHost({ engine: '20.10' }), startHost({ engine: '20.10' })])
  dray = await installDray(one.ssh.env)
  await makeWhole(one, { files: 300, bytes: 20_000_000 })
  original = await dataOf(one, 'web')
}, 120_000)

afterAll(async () => {
  await Promise.all([one[Symbol.asyncDispose](), two[Symbol.asyncDispose](), dray[Symbol.asyncDispose]()])
}, 60_000)

const moved = ({ result }: Answer) => (result as unknown as { containers: readonly { readonly name: string }[] }).containers
const journals = (): string[] => readdirSync(join(dray.state, 'drayage/journal')).filter(name => name.endsWith('.ndjson'))

describe('two containers with everything, from one 20.10 to another over ssh', () => {
  test('are moved whole', async () => {
    const answer = expectExit(await dray('migrate', 'web', 'store', one.ssh.endpoint, two.ssh.endpoint, '--map-bind', `${one.sharedDir}:${two.sharedDir}`), 0)
    expect(moved(answer)).toMatchObject([{ name: 'store', differences: [], losses: [] }, { name: 'web', state: { status: 'running', health: 'healthy' }, differences: [], engineDefaults: [], announced: [], losses: [] }])
    expect(differences(original, await dataOf(two, 'web'))).toEqual([])
    const { State, HostConfig } = await inspect(one, 'web')
    expect({ status: State.Status, policy: HostConfig.RestartPolicy.Name }).toEqual({ status: 'exited', policy: 'no' })
    expect(journals()).toEqual([])
  }, 60_000)
})
