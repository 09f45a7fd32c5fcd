import '../../../one-realm.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, connect, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { DrayProcess, isStep, type DrayEnd } from '../../../fault/cli/dray-process.ts'
import { waitUntil } from '../../../lab/wait.ts'
import { useWorld } from '../../../fault/cli/use-world.ts'
import type { Inventory, World } from '../../../fault/cli/world.ts'

const backupPoints = ['store its image, open its mounts', 'read its mounts', 'read what has changed, while it rests', 'store its writable layer'] as const
const restorePoints = ['bring its images', 'set aside what is replaced', 'write its data', 'create the container', 'give it its state'] as const

let world: World
let contents: string

useWorld(started => void (world = started), async () => {
  contents = await world.contents()
})

/** Image ids, volumes and networks as before, one container that runs with its data, nothing in the journal. */
async function expectAllRight(before: Inventory): Promise<void> {
  expect(await world.inventory()).toEqual(before)
  expect(await world.contents()).toBe(contents)
  expect(await world.journals()).toEqual([])
}

function lostAt(args: readonly string[], step: string, act: () => Promise<unknown>, host?: string): Promise<DrayEnd> {
  let acting: Promise<unknown> | undefined
  const { ended } = new DrayProcess([...args, ...(host === undefined ? [] : ['-H', host])], world.env, event => {
    if (isStep(step)(event)) acting ??= act()
  })
  return ended.then(async end => {
    if (acting === undefined) throw new Error(`the step "${step}" never began`)
    await acting
    return end
  })
}

/** A step that asks the engine for nothing may outlive its crash. */
function expectToldOrDone(exitCode: number, codes: readonly number[], result: DrayEnd['result']): void {
  expect([0, ...codes]).toContain(exitCode)
  if (exitCode !== 0) expect(result).toMatchObject({ error: { message: expect.stringMatching(/engine|connection/), hints: [expect.any(String)] } })
}

const crash = async (): Promise<void> => {
  await world.host.kill('dockerd')
  await world.host.restartEngine()
}

describe('the engine is killed and comes back', () => {
  // The daemon ends the containers that it finds when it comes back, and starts those again whose restart policy says so.
  test.each(backupPoints)('in a backup: %s', async step => {
    const before = await world.inventory()
    const { exitCode, result } = await lostAt(['backup', 'web'], step, crash)
    expectToldOrDone(exitCode, [10, 14], result)
    expect((await world.dray('clean')).exitCode).toBe(0)
    await expectAllRight(before)
    expect(await world.dray('backup', 'web')).toMatchObject({ exitCode: 0 })
    await expectAllRight(before)
  }, 120_000)

  test('in a backup that has stopped the container: it is started again', async () => {
    await world.docker('update', '--restart', 'no', 'web')
    await world.docker('exec', 'web', 'sh', '-c', 'head -c 60000000 /dev/urandom > /root/more')
    contents = await world.contents()
    const before = await world.inventory()
    const crashWhenStopped = async (): Promise<void> => {
      await waitUntil(async () => await world.status() === 'exited', 'the stop')
      await crash()
    }
    const { exitCode } = await lostAt(['backup', 'web', '--consistency', 'stop'], 'read what has changed, while it rests', crashWhenStopped)
    expect(exitCode).toBe(10)
    expect((await world.dray('clean')).exitCode).toBe(0)
    await expectAllRight(before)
  }, 120_000)

  test.each(restorePoints)('in a restore with --replace: %s', async step => {
    expect((await world.dray('backup', 'web')).exitCode).toBe(0)
    await world.docker('exec', 'web', 'sh', '-c', 'echo new > /data/which; rm /data/dir/f3')
    contents = await world.contents()
    const before = await world.inventory()
    const { exitCode, result } = await lostAt(['restore', 'latest', 'web', '--replace'], step, crash)
    expectToldOrDone(exitCode, [10, 40, 41], result)
    expect((await world.dray('clean')).exitCode).toBe(0)
    if (exitCode !== 0) await expectAllRight(before)
    expect(await world.dray('restore', 'latest', 'web', '--replace')).toMatchObject({ exitCode: 0 })
    expect(await world.docker('exec', 'web', 'cat', '/data/which')).toBe('old')
  }, 120_000)
})

describe('the engine is killed and stays away', () => {
  test('in a backup: 41 with what is left, and dray clean puts that right later', async () => {
    const before = await world.inventory()
    const { exitCode, result, stderr } = await lostAt(['backup', 'web'], 'read what has changed, while it rests', () => world.host.kill('dockerd'))
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 41 })
    expect(result).toMatchObject({ error: { leftBehind: [expect.objectContaining({ what: 'what was made on the engine' })] } })
    expect(await world.dray('clean')).toMatchObject({ exitCode: 3 })
    await world.host.restartEngine()
    expect((await world.dray('clean')).exitCode).toBe(0)
    await expectAllRight(before)
  }, 120_000)
})

/** Between dray and the engine: all connections can be cut, and refused for a while. */
class Cutter {
  readonly path: string
  private readonly server: Server
  private readonly sockets = new Set<Socket>()
  private refuses = false

  constructor(folder: string, engine: string) {
    this.path = join(folder, 'docker.sock')
    this.server = createServer({ allowHalfOpen: true }, client => {
      if (this.refuses) {
        client.destroy()
        return
      }
      const upstream = connect({ path: engine, allowHalfOpen: true })
      for (const [from, to] of [[client, upstream], [upstream, client]] as const) {
        this.sockets.add(from)
        from.on('data', chunk => {
          if (!to.write(chunk)) from.pause()
        })
        to.on('drain', () => from.resume())
        from.on('end', () => to.end())
        from.on('error', () => undefined)
        from.on('close', () => {
          this.sockets.delete(from)
          to.destroy()
        })
      }
    }).listen(this.path)
  }

  cut(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  async cutFor(milliseconds: number): Promise<void> {
    this.refuses = true
    this.cut()
    await new Promise(resolve => setTimeout(resolve, milliseconds))
    this.refuses = false
  }

  close(): void {
    this.cut()
    this.server.close()
  }
}

describe('the connection breaks', () => {
  let folder: string
  let cutter: Cutter
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dray-cut-'))
    cutter = new Cutter(folder, world.host.socket)
  })
  afterEach(async () => {
    cutter.close()
    await rm(folder, { recursive: true })
  })

  test.each(backupPoints)('for two seconds in a backup: %s', async step => {
    const before = await world.inventory()
    const { exitCode, stderr } = await lostAt(['backup', 'web'], step, () => cutter.cutFor(2_000), `unix://${cutter.path}`)
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 10 })
    await expectAllRight(before)
    expect(await world.dray('backup', 'web')).toMatchObject({ exitCode: 0 })
  }, 120_000)

  test.each(restorePoints)('for two seconds in a restore with --replace: %s', async step => {
    expect((await world.dray('backup', 'web')).exitCode).toBe(0)
    await world.docker('exec', 'web', 'sh', '-c', 'echo new > /data/which; rm /data/dir/f3')
    contents = await world.contents()
    const before = await world.inventory()
    const { exitCode } = await lostAt(['restore', 'latest', 'web', '--replace'], step, () => cutter.cutFor(2_000), `unix://${cutter.path}`)
    expect([10, 40]).toContain(exitCode)
    await expectAllRight(before)
  }, 120_000)
})
