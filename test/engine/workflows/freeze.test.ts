import '../../one-realm.ts'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { ContainerInspect } from '../../../src/engine/api-types.ts'
import { connectEngine } from '../../../src/engine/connect.ts'
import type { Engine } from '../../../src/engine/engine.ts'
import { Journal } from '../../../src/pipeline/journal.ts'
import { awaitEchoes } from '../../../src/workflows/steps/echoes.ts'
import { chooseFreeze, Frozen } from '../../../src/workflows/steps/freeze.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'

let host: LabHost
let engine: Engine
let folder: string
let journal: Journal

beforeAll(async () => {
  host = await startHost({ engine: '20.10' })
  engine = await connectEngine({ host: `unix://${host.socket}`, env: process.env })
  await busyboxImage(host, 'box:1', { cmd: ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.1; done'] })
}, 120_000)

afterAll(async () => {
  await engine.close()
  await host[Symbol.asyncDispose]()
}, 60_000)

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dray-freeze-'))
  journal = await Journal.start(folder, 'run-1', 'dray backup')
})

afterEach(async () => {
  const { stdout } = await host.docker(['ps', '-aq'])
  const ids = stdout.split('\n').filter(id => id !== '')
  for (const id of ids) await engine.containers.remove(id, { force: true })
  await rm(folder, { recursive: true })
})

/** docker run -d with these arguments. */
async function container(name: string, ...args: string[]): Promise<ContainerInspect> {
  await docker('run', '-d', '--name', name, ...args, 'box:1')
  return await engine.containers.inspect(name)
}

async function docker(...args: string[]): Promise<void> {
  const { exitCode, stderr } = await host.docker(args)
  if (exitCode !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`)
}

const status = async (name: string): Promise<string> => (await engine.containers.inspect(name)).State.Status

describe('what is chosen', () => {
  test('a running container is frozen as wanted', async () => {
    const web = await container('web')
    expect(['pause', 'stop', 'none'].map(wanted => chooseFreeze(web, wanted as 'pause'))).toEqual(['pause', 'stop', 'none'])
  })

  test('one that is paused, exited or only created rests already', async () => {
    await container('paused')
    await docker('pause', 'paused')
    await container('exited')
    await docker('stop', '-t', '0', 'exited')
    await docker('create', '--name', 'created', 'box:1')
    for (const name of ['paused', 'exited', 'created']) expect(chooseFreeze(await engine.containers.inspect(name), 'stop')).toBe('still already')
  })

  test('one that is removed when it stops is paused instead of stopped', async () => {
    expect(chooseFreeze(await container('temp', '--rm'), 'stop')).toBe('pause')
  })

  test('one that restarts over and over is stopped, and restarts again after the thaw', async () => {
    await docker('run', '-d', '--name', 'loop', '--restart', 'always', 'box:1', 'false')
    const until = async (wanted: string): Promise<ContainerInspect> => {
      for (;;) {
        const found = await engine.containers.inspect('loop')
        if (found.State.Status === wanted) return found
      }
    }
    const restarting = await until('restarting')
    expect(chooseFreeze(restarting, 'pause')).toBe('stop')
    expect(chooseFreeze(restarting, 'none')).toBe('none')
    const frozen = await Frozen.freeze(engine, journal, restarting, 'stop')
    expect((await engine.containers.inspect('loop')).State).toMatchObject({ Running: false, Restarting: false })
    await frozen.thaw()
    await until('restarting')
    expect(journal.open()).toEqual([])
  }, 60_000)
})

describe('pause', () => {
  test('freezes, journals, gives back, settles; the time is measured', async () => {
    const web = await container('web')
    const frozen = await Frozen.freeze(engine, journal, web, 'pause')
    expect(await status('web')).toBe('paused')
    expect(journal.open()).toMatchObject([{ did: 'paused', container: web.Id, name: 'web', engineId: engine.facts.id }])
    const milliseconds = await frozen.thaw()
    expect(await status('web')).toBe('running')
    expect(journal.open()).toEqual([])
    expect(frozen.disturbed).toBe(false)
    expect(milliseconds).toBeGreaterThan(0)
    expect(await frozen.thaw()).toBe(milliseconds)
    await journal.close()
    expect(await readdir(folder)).toEqual([])
  })

  test('again and again, each time as soon as the engine has heard all of the last, is never disturbed by itself', async () => {
    const web = await container('web')
    for (let round = 0; round < 10; round++) {
      const frozen = await Frozen.freeze(engine, journal, web, 'pause')
      await frozen.thaw()
      expect(frozen.disturbed).toBe(false)
      await awaitEchoes(engine, web.Id)
    }
  }, 20_000)

  test('that somebody else ended is seen', async () => {
    const frozen = await Frozen.freeze(engine, journal, await container('web'), 'pause')
    await docker('unpause', 'web')
    await frozen.thaw()
    expect(frozen.disturbed).toBe(true)
    expect(await status('web')).toBe('running')
  })

  test('that somebody else ended and began again is seen, right after the freeze too', async () => {
    const web = await container('web')
    const frozen = await Frozen.freeze(engine, journal, web, 'pause')
    await engine.containers.unpause(web.Id)
    await engine.containers.pause(web.Id)
    await frozen.thaw()
    expect(frozen.disturbed).toBe(true)
    expect(await status('web')).toBe('running')
  })

  test('what somebody else did just before is not ours', async () => {
    const web = await container('web')
    await engine.containers.pause(web.Id)
    await engine.containers.unpause(web.Id)
    await awaitEchoes(engine, web.Id)
    const frozen = await Frozen.freeze(engine, journal, web, 'pause')
    await frozen.thaw()
    expect(frozen.disturbed).toBe(false)
  })

  test('of a container that is paused already is a conflict; it stays paused and nothing is open', async () => {
    const web = await container('web')
    await docker('pause', 'web')
    await expect(Frozen.freeze(engine, journal, web, 'pause')).rejects.toMatchObject({ code: 'conflict' })
    expect(await status('web')).toBe('paused')
    expect(journal.open()).toEqual([])
  })

  test('of a container that is gone fails, and nothing is open', async () => {
    const web = await container('web')
    await docker('rm', '-f', 'web')
    await expect(Frozen.freeze(engine, journal, web, 'pause')).rejects.toMatchObject({ code: 'not-found' })
    expect(journal.open()).toEqual([])
  })

  test('whose container was removed meanwhile: the thaw says so, and the entry stays open for the way back', async () => {
    const frozen = await Frozen.freeze(engine, journal, await container('web'), 'pause')
    await docker('rm', '-f', 'web')
    await expect(frozen.thaw()).rejects.toMatchObject({ code: 'not-found' })
    expect(journal.open()).toHaveLength(1)
  })
})

describe('stop', () => {
  test.each(['no', 'always', 'unless-stopped', 'on-failure'])('with restart policy %s gives back the running state', async policy => {
    const web = await container('web', '--restart', policy)
    const frozen = await Frozen.freeze(engine, journal, web, 'stop', { stopTimeoutSeconds: 5 })
    expect(await status('web')).toBe('exited')
    expect(journal.open()).toMatchObject([{ did: 'stopped', name: 'web' }])
    await frozen.thaw()
    expect(frozen.disturbed).toBe(false)
    const after = await engine.containers.inspect('web')
    expect(after.State.Status).toBe('running')
    expect(after.HostConfig.RestartPolicy.Name).toBe(policy)
    expect(journal.open()).toEqual([])
  }, 20_000)

  test('that somebody else ended by a start is seen, also when it was stopped again', async () => {
    const first = await Frozen.freeze(engine, journal, await container('web'), 'stop', { stopTimeoutSeconds: 5 })
    await docker('start', 'web')
    await first.thaw()
    expect(first.disturbed).toBe(true)
    const second = await Frozen.freeze(engine, journal, await engine.containers.inspect('web'), 'stop', { stopTimeoutSeconds: 5 })
    await docker('start', 'web')
    await docker('stop', '-t', '5', 'web')
    await second.thaw()
    expect(second.disturbed).toBe(true)
    expect(await status('web')).toBe('running')
  }, 20_000)
})

test('an engine that is restarted in the window counts as disturbed', async () => {
  const web = await container('web', '--restart', 'always')
  const frozen = await Frozen.freeze(engine, journal, web, 'stop', { stopTimeoutSeconds: 5 })
  await host.restartEngine()
  await frozen.thaw()
  expect(frozen.disturbed).toBe(true)
  expect(await status('web')).toBe('running')
}, 60_000)

test('events since a moment are complete, and up to a moment they end', async () => {
  const web = await container('web')
  const since = await engine.clock()
  await engine.containers.pause(web.Id)
  await engine.containers.unpause(web.Id)
  const until = await engine.clock()
  const actions: string[] = []
  for await (const { Action } of engine.events({ container: [web.Id] }, new AbortController().signal, { since, until })) actions.push(Action)
  // What is more than that is an echo: see awaitEchoes.
  expect(actions.slice(0, 2)).toEqual(['pause', 'unpause'])
})
