import '../../one-realm.ts'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import type { DrayEvent } from '../../fault/cli/dray-process.ts'
import { World } from '../../fault/cli/world.ts'

let world: World
let sync: string

beforeAll(async () => {
  world = await World.start()
  sync = join(world.host.sharedDir, 'sync')
}, 120_000)
afterAll(async () => world[Symbol.asyncDispose](), 60_000)

beforeEach(async () => {
  await world.fresh()
  await mkdir(sync)
})
afterEach(async () => {
  expect(await world.journals()).toEqual([])
  expect(await world.repositoryLeftovers()).toEqual([])
  await world.removeAll()
  await rm(sync, { recursive: true })
}, 60_000)

/** Its folder /sync is the same for all; it is not captured. */
async function make(name: string, labels: Readonly<Record<string, string>> = {}, more: readonly string[] = []): Promise<void> {
  const all = { 'dray.exclude': '/sync', ...labels }
  await world.docker('run', '-d', '--init', '--stop-timeout', '0', '--name', name, '-v', `${sync}:/sync`, '-v', `${name}-data:/data`, ...more, ...Object.entries(all).flatMap(([key, value]) => ['--label', `${key}=${value}`]), 'box:1')
  await world.docker('exec', name, 'sh', '-c', 'head -c 3000000 /dev/urandom > /data/file')
}

const until = (file: string): string => `while ! test -e /sync/${file}; do sleep 0.1; done`

type Made = { readonly containers: readonly { readonly name: string }[]; readonly images: readonly { readonly role: string; readonly how: string }[]; readonly mounts: readonly { readonly label: string; readonly entries: number; readonly keptEntries: number }[] }

test('an image of several is asked for once, what several only read is read once, and the result is in their order', async () => {
  await world.docker('volume', 'create', 'books')
  await world.docker('run', '--rm', '-v', 'books:/books', 'box:1', 'sh', '-c', 'for i in $(seq 40); do echo $i > /books/$i; done')
  const names = ['aa', 'bb', 'cc', 'dd']
  for (const name of names) await make(name, { 'dray.pre': `touch /sync/${name}; ${until(name === 'aa' ? 'bb' : name)}` }, name === 'aa' || name === 'dd' ? ['-v', 'books:/books:ro'] : [])
  const before = await world.inventory()
  const { exitCode, stderr, result, events } = await world.dray('backup', '--all', '--parallel', '3')
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  const backups = result?.['backups'] as Made[]
  expect(backups.map(({ containers }) => containers.map(({ name }) => name))).toEqual([['aa'], ['bb'], ['cc'], ['dd']])
  expect(backups.flatMap(({ images }) => images.filter(({ role }) => role === 'original').map(({ how }) => how)).sort()).toEqual(['saved', 'stored before', 'stored before', 'stored before'])
  const books = backups.flatMap(({ mounts }) => mounts.filter(({ label }) => label === 'books'))
  expect(books.map(({ keptEntries }) => keptEntries)).toEqual([41, 41])
  expect(events.filter(({ event, name, state }) => event === 'transfer' && name === 'books' && state === 'done').map(({ of, bytes }) => [of, Number(bytes) > 0])).toEqual([['aa', true], ['dd', false]])
  expect(await world.inventory()).toEqual(before)
  expect(await world.dray('verify', '--deep')).toMatchObject({ exitCode: 0 })
}, 60_000)

test('one that fails puts back what is its own, and nothing of one that is still at work', async () => {
  await make('bad', { 'dray.pre': `${until('begun')}; exit 7`, 'dray.post': 'touch /sync/failed', 'dray.hook-timeout': '30' })
  await make('good', { 'dray.pre': 'touch /sync/begun', 'dray.dump': `${until('failed')}; echo dumped >> /log; echo dump`, 'dray.post': 'echo post >> /log', 'dray.hook-timeout': '30' })
  const before = await world.inventory()
  expect(await world.dray('backup', 'bad', 'good')).toMatchObject({ exitCode: 3, result: { backups: [{ container: 'good' }], failed: [{ container: 'bad' }] } })
  expect(await world.docker('exec', 'good', 'cat', '/log')).toBe('dumped\npost')
  expect(await world.inventory()).toEqual(before)
}, 60_000)

test('a signal stops all of them, and all is put back', async () => {
  const names = ['aa', 'bb', 'cc']
  for (const name of names) await make(name, { 'dray.consistency': 'stop', 'dray.pre': `touch /sync/${name} /m`, 'dray.post': 'rm /m' })
  const before = await world.inventory()
  const resting = new Set<unknown>()
  const bothRest = ({ event, name, state, of }: DrayEvent): boolean => {
    if (event === 'step' && name === 'read what has changed, while it rests' && state === 'started') resting.add(of)
    return resting.size === 2
  }
  expect(await world.drayWith(['backup', '--all', '--parallel', '3'], bothRest, 'SIGTERM')).toMatchObject({ met: true, exitCode: 143 })
  expect(await world.inventory()).toEqual(before)
  for (const name of names) expect(await world.docker('exec', name, 'ls', '/')).not.toMatch(/^m$/m)
}, 60_000)

test('two addresses of one engine: it is not worked on from both sides at one time', async () => {
  await make('web', { 'dray.consistency': 'stop' })
  const config = join(world.folder, 'config.yaml')
  await world.host.sh(`printf 'jobs:\n  nightly:\n    hosts: ["${world.address}", "tcp://127.0.0.1:2375", default]\n    all: true\n    parallel: 3\n' > ${config}`)
  const { exitCode, result, events } = await world.dray('backup', '--job', 'nightly', '--config', config)
  expect({ exitCode, result }).toMatchObject({ exitCode: 3, result: { backups: [{ containers: [{ freeze: { way: 'stop', disturbed: false } }] }, { containers: [{ freeze: { way: 'stop', disturbed: false } }] }] } })
  expect(events).toContainEqual(expect.objectContaining({ event: 'note', text: expect.stringContaining('has the engine id of host') }))
}, 60_000)
