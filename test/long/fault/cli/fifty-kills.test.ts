import '../../../one-realm.ts'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { World, type Inventory } from '../../../fault/cli/world.ts'

let world: World
let before: Inventory

const kills = 50
const line = ['backup', '--all', '--parallel', '3', '--forget', '--keep-last', '3']
const states = ['aa paused', 'bb exited', 'cc created', 'db running', 'hooked running', 'web running', 'worker running']

beforeAll(async () => {
  world = await World.start()
  await world.makeWeb()
  const run = (name: string, ...more: string[]): Promise<string> => world.docker('run', '-d', '--init', '--stop-timeout', '0', '--name', name, ...more, 'box:1')
  await run('db', '-v', 'shared:/data', '--label', 'dray.consistency=stop', '--label', 'dray.dump=cat /data/file')
  await run('worker', '-v', 'shared:/data')
  await run('hooked', '-v', 'hooked:/data', '--label', 'dray.pre=touch /maintenance', '--label', 'dray.post=rm -f /maintenance')
  await run('aa', '-v', 'aa:/data')
  await world.docker('pause', 'aa')
  await run('bb', '-v', 'bb:/data')
  await world.docker('stop', 'bb')
  await world.docker('create', '--name', 'cc', '-v', 'cc:/data', 'box:1')
  await change()
  before = await world.inventory()
}, 180_000)
afterAll(async () => {
  // One is paused, and could not be ended.
  await world.removeAll()
  await world[Symbol.asyncDispose]()
}, 120_000)

/** So that the next backup has something to read and to commit. */
async function change(): Promise<void> {
  for (const name of ['web', 'db', 'hooked']) await world.docker('exec', name, 'sh', '-c', 'head -c 4000000 /dev/urandom > /data/file; head -c 300000 /dev/urandom > /root/own')
}

const contentsOf = (name: string): Promise<string> => world.docker('exec', name, 'sh', '-c', 'md5sum /data/file /root/own')

async function expectAllWell(moment: string): Promise<void> {
  expect({ moment, ...await world.inventory() }).toEqual({ moment, ...before })
  expect(before.containers.map(each => each.split(' ').slice(1, 3).join(' ')).sort()).toEqual(states)
  expect({ moment, maintenance: await world.docker('exec', 'hooked', 'ls', '/') }).toEqual({ moment, maintenance: expect.not.stringContaining('maintenance') })
  expect({ moment, journals: await world.journals(), left: await world.repositoryLeftovers() }).toEqual({ moment, journals: [], left: [] })
}

test(`kill -9 at ${kills} random moments of a night: after the next run all runs that ran, nothing is left, and the repository verifies`, async () => {
  const startedAt = performance.now()
  expect(await world.dray(...line)).toMatchObject({ exitCode: 0 })
  let nightMs = performance.now() - startedAt
  let struck = 0
  for (let number = 1; number <= kills; number++) {
    await change()
    const milliseconds = Math.round(150 + Math.random() * nightMs)
    const contents = [await contentsOf('web'), await contentsOf('db')]
    const { exitCode, events } = await world.drayAfter(line, milliseconds, 'SIGKILL')
    if (exitCode === 137) struck++
    const moment = `kill ${number} after ${milliseconds} of ${Math.round(nightMs)} ms, exit ${exitCode}, in: ${events.filter(({ event, state }) => event === 'step' && state === 'started').slice(-3).map(({ of, name }) => `${String(of)}: ${name}`).join(', ')}`
    const nextAt = performance.now()
    const { exitCode: next, stderr, result, events: nextEvents } = await world.dray(...line)
    nightMs = performance.now() - nextAt
    const said = nextEvents.filter(({ event }) => event === 'warning' || event === 'note')
    expect({ moment, next, stderr, failed: result?.['failed'], said: next === 0 ? [] : [...said, result] }).toEqual({ moment, next: 0, stderr: '', failed: [], said: [] })
    await expectAllWell(moment)
    expect([await contentsOf('web'), await contentsOf('db')]).toEqual(contents)
    expect({ moment, ...await world.dray('verify', '--quick') }).toMatchObject({ moment, exitCode: 0 })
  }
  process.stderr.write(`fifty kills: ${struck} of ${kills} struck while it worked; a night takes ${Math.round(nightMs)} ms\n`)
  expect(struck).toBeGreaterThan(kills / 2)
  expect((await world.dray('prune', '--grace', '0')).result).toMatchObject({ missingBlobs: 0 })
  expect(await world.dray('verify', '--deep')).toMatchObject({ exitCode: 0 })
}, 1_200_000)
