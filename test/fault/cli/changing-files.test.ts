import '../../one-realm.ts'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { isStep } from './dray-process.ts'
import { World } from './world.ts'

let world: World

beforeAll(async () => {
  world = await World.start()
}, 120_000)
afterAll(async () => world[Symbol.asyncDispose](), 60_000)

test('files that vanish, shrink and grow while they are read: exit 3, each is named, and the rest is whole', async () => {
  await world.makeWeb()
  await world.docker('exec', 'web', 'sh', '-c', 'mkdir /data/moving; for i in $(seq 500); do echo $i > /data/moving/m$i; done; head -c 60000000 /dev/urandom > /data/moving/big')
  // One that shrinks and grows, and others that come and go.
  await world.docker('exec', '-d', 'web', 'sh', '-c', 'while :; do : > /data/moving/big; head -c 60000000 /dev/zero > /data/moving/big; done')
  await world.docker('exec', '-d', 'web', 'sh', '-c', 'while :; do rm -f /data/moving/m*; for i in $(seq 500); do echo $i > /data/moving/m$i; done; done')
  const { exitCode, result } = await world.dray('backup', 'web', '--consistency', 'none')
  expect(exitCode).toBe(3)
  const [backup] = result?.['backups'] as { mounts: { source: string; problems: { path: string; problem: string }[] }[] }[]
  const { problems } = backup?.mounts.find(({ source }) => source === 'web-data') ?? { problems: [] }
  expect(problems.length).toBeGreaterThan(0)
  for (const { path } of problems) expect(path).toMatch(/moving/)
  const still = await world.docker('exec', 'web', 'sh', '-c', 'md5sum /data/dir/* /data/s* /logs/*')
  await world.dray('restore', 'latest', 'web', '--name', 'other', '--map-volume', 'web-data:other-data', '--map-volume', 'web-logs:other-logs')
  expect(await world.docker('exec', 'other', 'sh', '-c', 'md5sum /data/dir/* /data/s* /logs/*')).toBe(still)
  await world.docker('rm', '-f', 'other')
  await world.docker('volume', 'rm', 'other-data', 'other-logs')
  // At rest nothing moves. It may hold much less by then, which would be exit 3.
  const again = await world.dray('backup', 'web')
  expect({ stderr: again.stderr, problems: (again.result?.['backups'] as { mounts: { problems: unknown[] }[] }[]).flatMap(({ mounts }) => mounts.flatMap(({ problems }) => problems)) }).toEqual({ stderr: '', problems: [] })
  await world.removeAll()
}, 120_000)

test('a second Ctrl-C ends it where it stands, says how to go on, and dray clean does', async () => {
  await world.fresh()
  await world.makeWeb()
  const before = await world.inventory()
  let interrupts = 0
  const { exitCode, stderr } = await world.drayTwice(['backup', 'web'], isStep('read what has changed, while it rests'), () => ++interrupts)
  expect({ exitCode, stderr, interrupts }).toEqual({ exitCode: 137, stderr: expect.stringMatching(/SIGINT: stopping and putting everything back.*\n.*second signal\ndray: hint: .*dray clean/), interrupts: 2 })
  expect((await world.dray('clean')).exitCode).toBe(0)
  expect(await world.inventory()).toEqual(before)
  expect(await world.journals()).toEqual([])
  await world.removeAll()
}, 60_000)

test('interrupted at any moment', async () => {
  await world.fresh()
  await world.makeWeb()
  const before = await world.inventory()
  const contents = await world.contents()
  for (let round = 0; round < (process.env['DRAY_TEST_ALL'] ? 40 : 6); round++) {
    const afterMs = Math.random() * 3_000
    const { exitCode } = await world.drayAfter(['backup', 'web'], afterMs, 'SIGINT')
    // Before dray listens, and after it has ended, a signal is the system's.
    expect({ afterMs, isExpected: [0, 128, 130].includes(exitCode), ...(await world.inventory()) }).toEqual({ afterMs, isExpected: true, ...before })
    expect(await world.journals()).toEqual([])
  }
  expect(await world.contents()).toBe(contents)
  expect((await world.dray('backup', 'web')).exitCode).toBe(0)
  expect(await world.repositoryLeftovers()).toEqual([])
  await world.removeAll()
}, 120_000)
