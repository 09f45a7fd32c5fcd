import '../../one-realm.ts'
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { run } from '../../lab/command.ts'
import { program, type DrayEnd } from './dray-process.ts'
import { World, type Inventory } from './world.ts'

// Each test runs several processes, on a machine that may be busy.
jest.setTimeout(60_000)

let world: World
let before: Inventory
let contents: string

beforeAll(async () => {
  world = await World.start()
  await world.makeWeb()
  before = await world.inventory()
  contents = await world.contents()
}, 120_000)
afterAll(async () => world[Symbol.asyncDispose](), 60_000)

type Told = { readonly exitCode: number; readonly code: string; readonly message: RegExp; readonly hint: RegExp }

/** The code of the table, the reason and a next step, and nothing changed. */
async function expectTold(ended: Promise<DrayEnd>, { exitCode, code, message, hint }: Told): Promise<void> {
  const { result, ...end } = await ended
  expect({ exitCode: end.exitCode, result }).toMatchObject({ exitCode, result: { ok: false, exitCode, error: { code, message: expect.stringMatching(message), hints: expect.arrayContaining([expect.stringMatching(hint)]) } } })
  expect(await world.inventory()).toEqual(before)
  expect(await world.contents()).toBe(contents)
  expect(await world.journals()).toEqual([])
}

describe.each([['backup', ['backup', 'web']], ['restore', ['restore', 'latest', 'web']]])('%s', (_name, args) => {
  test('a socket that does not exist', async () => expectTold(world.dray(...args, '-H', 'unix:///nowhere/docker.sock'), { exitCode: 10, code: 'engine-unreachable', message: /"unix:\/\/\/nowhere\/docker.sock".*the socket does not exist/, hint: /is dockerd running/ }))
  test('a port that is closed', async () => expectTold(world.dray(...args, '-H', 'tcp://127.0.0.1:1'), { exitCode: 10, code: 'engine-unreachable', message: /the connection was refused/, hint: /listening/ }))
  test('a host that ssh does not know', async () => expectTold(world.dray(...args, '-H', 'ssh://root@no-such-host.invalid'), { exitCode: 10, code: 'engine-unreachable', message: /no-such-host\.invalid/, hint: /./ }))
})

describe('backup', () => {
  test('of a container that is not there', async () => expectTold(world.dray('backup', 'wbe'), { exitCode: 11, code: 'not-found', message: /wbe/, hint: /did you mean "web"\?/ }))

  test('into a directory that holds other things', async () => {
    await world.fresh()
    await mkdir(world.repo)
    await writeFile(join(world.repo, 'thesis.txt'), 'mine')
    await expectTold(world.dray('backup', 'web'), { exitCode: 12, code: 'conflict', message: /is not empty and not a repository/, hint: /--repo/ })
    expect(await readFile(join(world.repo, 'thesis.txt'), 'utf8')).toBe('mine')
  })

  test('into a file', async () => {
    await world.fresh()
    await writeFile(world.repo, 'mine')
    await expectTold(world.dray('backup', 'web'), { exitCode: 12, code: 'conflict', message: /is a file/, hint: /--repo/ })
  })

  test('into a repository of a newer format', async () => {
    await world.fresh()
    expect((await world.dray('backup', 'web')).exitCode).toBe(0)
    const config = join(world.repo, 'drayage/config.json')
    await writeFile(config, (await readFile(config, 'utf8')).replace('"format": 1', '"format": 2'))
    await expectTold(world.dray('backup', 'web'), { exitCode: 21, code: 'unverifiable', message: /has format 2/, hint: /update dray/ })
    await expectTold(world.dray('restore', 'latest', 'web'), { exitCode: 21, code: 'unverifiable', message: /has format 2/, hint: /update dray/ })
  })

  test('into a repository that the user may not read', async () => {
    await world.fresh()
    expect((await world.dray('backup', 'web')).exitCode).toBe(0)
    await world.docker('info')
    // As nobody, who may use this engine's socket and has a state folder of its own.
    await chmod(world.folder, 0o755)
    await chmod(join(world.repo, '..'), 0o755)
    const state = join(world.folder, 'nobody')
    await mkdir(state, { mode: 0o777 })
    await chmod(state, 0o777)
    await world.host.sh(`chmod 666 ${world.host.socket}`)
    const { exitCode, stdout } = await run('setpriv', ['--reuid', '65534', '--regid', '65534', '--clear-groups', process.execPath, program, 'list', '--json'], { env: { ...world.env, PATH: process.env['PATH'], HOME: state, XDG_STATE_HOME: state } })
    await rm(state, { recursive: true })
    expect({ exitCode, stdout }).toMatchObject({ exitCode: 13, stdout: expect.stringMatching(/permission denied.*sudo/) })
  })
})

describe('restore', () => {
  test('from where no repository is', async () => {
    await world.fresh()
    await expectTold(world.dray('restore', 'latest', 'web'), { exitCode: 11, code: 'not-found', message: /there is no repository in/, hint: /--repo/ })
  })

  test('of a container without a backup, of a backup that is not there, and over a container that is', async () => {
    await world.fresh()
    expect((await world.dray('backup', 'web')).exitCode).toBe(0)
    await expectTold(world.dray('restore', 'latest', 'wbe'), { exitCode: 11, code: 'not-found', message: /no backup of container "wbe"/, hint: /did you mean "web"\?/ })
    await expectTold(world.dray('restore', '1999'), { exitCode: 11, code: 'not-found', message: /1999/, hint: /dray list/ })
    await expectTold(world.dray('restore', 'latest', 'web'), { exitCode: 12, code: 'conflict', message: /there is a container "web" already/, hint: /--replace/ })
  })

  test('of a backup that has lost a blob', async () => {
    await world.fresh()
    expect((await world.dray('backup', 'web')).exitCode).toBe(0)
    const blobs = join(world.repo, 'blobs/sha256')
    const biggest = (await world.host.sh(`ls -S ${blobs} | head -1`)).trim()
    await rm(join(blobs, biggest))
    await expectTold(world.dray('restore', 'latest', 'web', '--replace'), { exitCode: 20, code: 'damaged', message: /is incomplete/, hint: /older backup/ })
  })
})
