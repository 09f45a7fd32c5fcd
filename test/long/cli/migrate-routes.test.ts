import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { docker, expectExit, installDray, inventory, type Dray, type Inventory } from '../../engine/cli/dray.ts'
import { pageOf, runPage, statesOf } from '../../engine/cli/migrated.ts'
import { makeImage } from '../../engine/cli/whole-container.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { startRegistry, type LabRegistry } from '../../lab/registry.ts'

const account = { username: 'somebody', password: 'a:b c' }

let registry: LabRegistry
let one: LabHost
let two: LabHost
let dray: Dray
let before: { readonly one: Inventory; readonly two: Inventory }

beforeAll(async () => {
  registry = await startRegistry({ auth: account })
  const trusting = { engine: '20.10', insecureRegistries: [registry.address] } as const
  ;[one, two] = await Promise.all([startHost(trusting), startHost(trusting)])
  dray = await installDray(one.ssh.env)
  await mkdir(join(dray.home, '.docker'))
  await makeImage(one)
  await runPage(one)
  await docker(one, 'exec', 'page', 'sh', '-c', 'echo new > /opt/new')
  before = { one: await inventory(one), two: await inventory(two) }
}, 180_000)

afterEach(async () => {
  for (const record of await readdir(join(dray.state, 'drayage/runs')).catch(() => [])) await dray('migrate', '--undo', record.replace('.json', ''), '--discard-new-data', '--yes')
}, 120_000)

afterAll(async () => {
  await Promise.all([one[Symbol.asyncDispose](), two[Symbol.asyncDispose](), registry[Symbol.asyncDispose](), dray[Symbol.asyncDispose]()])
}, 60_000)

const logIn = (auth: string): Promise<void> => writeFile(join(dray.home, '.docker/config.json'), JSON.stringify({ auths: { [registry.address]: { auth: Buffer.from(auth).toString('base64') } } }))
const route = (): string[] => ['--via', `registry=${registry.address}/moved/page`]

test('images go through a registry, with the account that docker login has kept', async () => {
  await logIn(`${account.username}:${account.password}`)
  const answer = await dray('migrate', 'page', one.ssh.endpoint, two.ssh.endpoint, ...route())
  expect(expectExit(answer, 0).result).toMatchObject({ containers: [{ name: 'page', differences: [], losses: [] }] })
  expect(await pageOf(two)).toBe('the page\n')
  expect(await docker(two, 'exec', 'page', 'cat', '/opt/new')).toBe('new')
  expect(await statesOf(one, 'page')).toEqual({ page: 'exited no' })
  expect((await inventory(one)).images).toEqual(before.one.images)
  expect((await inventory(two)).images.join('\n')).not.toMatch(/drayage|moved/)
}, 180_000)

test('a wrong password is said, with the registry, and nothing was changed', async () => {
  await logIn(`${account.username}:wrong`)
  const { exitCode, stderr } = await dray('migrate', 'page', one.ssh.endpoint, two.ssh.endpoint, ...route())
  expect({ exitCode, stderr }).toEqual({ exitCode: 13, stderr: expect.stringMatching(/shop\/web:1|page[\s\S]*(unauthorized|authentication)/) })
  expect({ one: await inventory(one), two: await inventory(two) }).toEqual(before)
}, 120_000)
