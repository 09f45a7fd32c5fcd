import '../../one-realm.ts'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { connectEngine } from '../../../src/engine/connect.ts'
import type { Engine } from '../../../src/engine/engine.ts'
import { DrayError } from '../../../src/errors/dray-error.ts'
import { Journal, type JournalAction, type JournalEntry } from '../../../src/pipeline/journal.ts'
import { putAllRight, putRight } from '../../../src/workflows/put-right.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'

let host: LabHost
let engine: Engine
let folder: string
let journal: Journal
let image: string

const restored: string[] = []
const restore = (entry: JournalEntry): Promise<void> => {
  restored.push(entry.did)
  return Promise.resolve()
}

beforeAll(async () => {
  host = await startHost({ engine: '20.10' })
  engine = await connectEngine({ host: `unix://${host.socket}`, env: process.env })
  image = await busyboxImage(host, 'box:1', { cmd: ['sleep', '1000'] })
}, 120_000)

afterAll(async () => {
  await engine.close()
  await host[Symbol.asyncDispose]()
}, 60_000)

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dray-right-'))
  journal = await Journal.start(folder, 'run-1', 'dray backup')
  restored.length = 0
})

afterEach(async () => {
  for (const { Id } of await engine.containers.list()) await engine.containers.remove(Id, { force: true, volumes: true })
  await journal.leave()
  await rm(folder, { recursive: true })
})

async function docker(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await host.docker(args)
  if (exitCode !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`)
  return stdout.trim()
}

const status = async (name: string): Promise<string> => (await engine.containers.inspect(name)).State.Status
const isThere = (looking: Promise<unknown>): Promise<boolean> => looking.then(() => true, () => false)

/** Records, does, and puts right twice: the second time is to change nothing. */
async function twice(action: JournalAction, doing: () => Promise<unknown>, look: () => Promise<unknown>): Promise<unknown> {
  const entry = await journal.record(engine, action)
  await doing()
  await putRight(engine, entry, restore)
  const once = await look()
  await putRight(engine, entry, restore)
  expect(await look()).toEqual(once)
  return once
}

describe('each kind, twice as once', () => {
  test('paused, unpaused, stopped', async () => {
    const container = await docker('run', '-d', '--name', 'web', 'box:1')
    expect(await twice({ did: 'paused', container, name: 'web' }, () => docker('pause', 'web'), () => status('web'))).toBe('running')
    await docker('pause', 'web')
    expect(await twice({ did: 'unpaused', container, name: 'web' }, () => docker('unpause', 'web'), () => status('web'))).toBe('paused')
    await docker('unpause', 'web')
    expect(await twice({ did: 'stopped', container, name: 'web' }, () => docker('stop', '-t', '0', 'web'), () => status('web'))).toBe('running')
  }, 20_000)

  test('created container, with its anonymous volumes or without', async () => {
    const look = async (): Promise<unknown> => [await isThere(engine.containers.inspect('new')), (await engine.volumes.list()).length]
    const create = () => docker('run', '-d', '--name', 'new', '-v', '/data', 'box:1')
    expect(await twice({ did: 'created container', container: 'new' }, create, look)).toEqual([false, 0])
    expect(await twice({ did: 'created container', container: 'new', withVolumes: false }, create, look)).toEqual([false, 1])
    for (const { Name } of await engine.volumes.list()) await engine.volumes.remove(Name)
  }, 20_000)

  test('created volume, network, tag and image', async () => {
    expect(await twice({ did: 'created volume', volume: 'vol' }, () => docker('volume', 'create', 'vol'), () => isThere(engine.volumes.inspect('vol')))).toBe(false)
    expect(await twice({ did: 'created network', network: 'n' }, () => docker('network', 'create', 'n'), () => isThere(engine.networks.inspect('n')))).toBe(false)
    expect(await twice({ did: 'created tag', ref: 'box:tmp' }, () => docker('tag', 'box:1', 'box:tmp'), async () => (await engine.images.inspect(image)).RepoTags)).toEqual(['box:1'])
    expect(await twice({ did: 'created image', ref: 'flat:1' }, () => busyboxImage(host, 'flat:1', { env: { A: 'b' } }), () => isThere(engine.images.inspect('flat:1')))).toBe(false)
  }, 20_000)

  test('moved tag, renamed container', async () => {
    const other = await busyboxImage(host, 'other:1', { env: { OTHER: '1' } })
    await docker('tag', 'box:1', 'app:1')
    expect(await twice({ did: 'moved tag', ref: 'app:1', was: image }, () => docker('tag', other, 'app:1'), async () => (await engine.images.inspect('app:1')).Id)).toBe(image)
    const container = await docker('run', '-d', '--name', 'web', 'box:1')
    expect(await twice({ did: 'renamed container', container, was: 'web' }, () => docker('rename', 'web', 'web-old'), async () => (await engine.containers.inspect(container)).Name)).toBe('/web')
    await docker('rmi', 'app:1', 'other:1')
  }, 20_000)

  test('data is put back by whoever can', async () => {
    for (const action of [{ did: 'replaced volume data', volume: 'v', backup: 'b', repository: '/r' }, { did: 'created path', path: '/p' }, { did: 'replaced path', path: '/p' }] as const) {
      await putRight(engine, await journal.record(engine, action), restore)
    }
    expect(restored).toEqual(['replaced volume data', 'created path', 'replaced path'])
  })
})

test.each<JournalAction>([
  { did: 'paused', container: 'gone', name: 'gone' }, { did: 'stopped', container: 'gone', name: 'gone' }, { did: 'created container', container: 'gone' },
  { did: 'created image', ref: 'gone:1' }, { did: 'created tag', ref: 'gone:1' }, { did: 'moved tag', ref: 'gone:1', was: `sha256:${'0'.repeat(64)}` },
  { did: 'created volume', volume: 'gone' }, { did: 'created network', network: 'gone' }, { did: 'renamed container', container: 'gone', was: 'web' },
])('$did: what is gone is right', async action => {
  await putRight(engine, await journal.record(engine, action), restore)
})

test('what somebody else made much later under that name is not removed', async () => {
  await docker('run', '-d', '--name', 'web', 'box:1')
  await docker('volume', 'create', 'data')
  await docker('network', 'create', 'net')
  const at = new Date(Date.now() - 2 * 60 * 60 * 1000).toISOString()
  for (const action of [{ did: 'created container', container: 'web' }, { did: 'created volume', volume: 'data' }, { did: 'created network', network: 'net' }] as const) {
    await expect(putRight(engine, { ...(await journal.record(engine, action)), at }, restore)).rejects.toMatchObject({ code: 'conflict' })
  }
  expect(await status('web')).toBe('running')
  await engine.volumes.inspect('data')
  await engine.networks.inspect('net')
  await docker('volume', 'rm', 'data')
  await docker('network', 'rm', 'net')
}, 20_000)

test('a container that was paused by its user after we stopped it, and runs, is left alone', async () => {
  const container = await docker('run', '-d', '--name', 'web', 'box:1')
  const entry = await journal.record(engine, { did: 'stopped', container, name: 'web' })
  await docker('pause', 'web')
  await putRight(engine, entry, restore)
  expect(await status('web')).toBe('paused')
})

test('all are tried newest first although one fails; what failed stays open, the first failure is thrown', async () => {
  const container = await docker('run', '-d', '--name', 'web', '-v', 'used:/data', 'box:1')
  await docker('pause', 'web')
  const order: string[] = []
  const failing = (entry: JournalEntry): Promise<void> => {
    order.push(String(entry.id))
    return Promise.reject(new DrayError('io-failed', `no data for ${entry.id}`))
  }
  await journal.record(engine, { did: 'replaced path', path: '/1' })
  await journal.record(engine, { did: 'paused', container, name: 'web' })
  await journal.record(engine, { did: 'created volume', volume: 'used' })
  await journal.record(engine, { did: 'replaced path', path: '/4' })
  await expect(putAllRight(engine, { journal, reporter: { warn: () => undefined } }, journal.open(), failing)).rejects.toThrow('no data for 4')
  expect(order).toEqual(['4', '1'])
  expect(await status('web')).toBe('running')
  expect(journal.open().map(({ id }) => id)).toEqual([1, 3, 4])
  expect(await readdir(folder)).toEqual(['run-1.ndjson'])
}, 20_000)
