import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { at, docker, expectExit, installDray, type Dray } from '../../../engine/cli/dray.ts'
import { startHost, type LabHost } from '../../../lab/host.ts'
import { busyboxImage } from '../../../lab/images.ts'

const program = fileURLToPath(new URL('../../../../../bin/dray.js', import.meta.url))
const running = 'aa running\nbb running\ncc running'

describe('three containers of one group, and a kill -9', () => {
  let host: LabHost
  let dray: Dray
  let ids: string
  let backup: string

  beforeAll(async () => {
    [host, dray] = await Promise.all([startHost({ engine: '20.10' }), installDray()])
    await busyboxImage(host, 'box:1', { cmd: ['sh', '-c', 'trap "sleep 0.3; exit 0" TERM; while :; do sleep 0.1; done'] })
    for (const name of ['aa', 'bb', 'cc']) await docker(host, 'run', '-d', '--name', name, '-v', 'shared:/shared', 'box:1')
    await docker(host, 'exec', 'aa', 'dd', 'if=/dev/urandom', 'of=/shared/file', 'bs=1M', 'count=60')
    ids = await docker(host, 'ps', '-aq', '--no-trunc')
    backup = expectExit(await dray('backup', '--all', '-H', at(host)), 0).result.ids[0]!
  }, 120_000)
  afterAll(async () => {
    await Promise.all([host[Symbol.asyncDispose](), dray[Symbol.asyncDispose]()])
  }, 60_000)

  const states = async (): Promise<string> => (await docker(host, 'ps', '-a', '--format', '{{.Names}} {{.State}}')).split('\n').sort().join('\n')

  /** Kills the program when the states are so, or lets it end. */
  async function killWhen(moment: RegExp, ...args: readonly string[]): Promise<void> {
    const child = spawn(process.execPath, [program, ...args, '-H', at(host)], { stdio: 'ignore', env: { PATH: process.env['PATH'], HOME: dray.home, XDG_STATE_HOME: dray.state, DRAY_REPO: dray.repository } })
    const ended = once(child, 'exit')
    while (!moment.test(await states())) expect(child.exitCode).toBe(null)
    child.kill('SIGKILL')
    await ended
  }

  test.each([['pause', /paused/], ['stop', /exited/]])('in a backup with --consistency %s: all run again after dray clean', async (way, moment) => {
    await killWhen(moment, 'backup', '--all', '--consistency', way)
    expectExit(await dray('clean', '-H', at(host)), 0)
    expect(await states()).toBe(running)
  }, 60_000)

  test.each([['one is stopped', /exited/], ['all are stopped', /(exited[^]*){3}/], ['they have other names', /replaced/], ['new ones are there', /replaced[^]*bb (created|running)/]])('in a restore, when %s: the old ones run again, with their data', async (_name, moment) => {
    const before = await docker(host, 'exec', 'bb', 'sha256sum', '/shared/file')
    await killWhen(moment, 'restore', backup, '--replace')
    expectExit(await dray('clean', '-H', at(host)), 0)
    expect(await states()).toBe(running)
    expect(await docker(host, 'ps', '-aq', '--no-trunc')).toBe(ids)
    expect(await docker(host, 'exec', 'bb', 'sha256sum', '/shared/file')).toBe(before)
    expect(await docker(host, 'volume', 'ls', '-q')).toBe('shared')
  }, 120_000)
})
