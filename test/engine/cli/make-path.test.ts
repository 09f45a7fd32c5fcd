import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import type { LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { keys, Terminal } from '../../lab/terminal.ts'
import { at, expectExit, inspect, inventory, type Dray } from './dray.ts'
import { useHost } from './use-host.ts'
import { destroy } from './whole-container.ts'

const program = fileURLToPath(new URL('../../../../bin/dray.js', import.meta.url))
let host: LabHost
let dray: Dray
let logs: string

/** A backup of "web" without the content of its path "logs", which is gone with its container. */
useHost(both => void ({ host, dray } = both), async () => {
  logs = join(host.sharedDir, 'srv/logs')
  mkdirSync(logs, { recursive: true })
  writeFileSync(join(logs, 'old'), 'old')
  await host.sh(`docker run -d --name web --stop-signal KILL -v ${logs}:/logs app:1 >/dev/null`)
  expectExit(await dray('backup', 'web', '--exclude', '/logs'), 0)
  await destroy(host)
  rmSync(join(host.sharedDir, 'srv'), { recursive: true, force: true })
})

test('a path that is missing, and not in the backup, is made an empty folder when that is asked for', async () => {
  const before = await inventory(host)
  const refused = expectExit(await dray.plain(['restore', 'latest', 'web']), 12)
  expect(refused.stderr).toMatch(new RegExp(`"${logs}" at /logs is not captured, and the target does not have it[^]*--make-path ${logs}`))
  expect(expectExit(await dray.plain(['restore', 'latest', 'web', '--make-path', `${logs}s`]), 2).stderr).toContain(`--make-path: "${logs}s" names no bind mount of the backup`)
  expectExit(await dray('restore', 'latest', 'web', '--make-path', logs, '--dry-run'), 0)
  expect(existsSync(join(host.sharedDir, 'srv'))).toBe(false)
  expect(await inventory(host)).toEqual(before)
  expectExit(await dray('restore', 'latest', 'web', '--make-path', logs), 0)
  expect(readdirSync(logs)).toEqual([])
  expect((await inspect(host, 'web')).State.Status).toBe('running')
}, 60_000)

test('what is there meanwhile stays as it is', async () => {
  mkdirSync(logs, { recursive: true })
  writeFileSync(join(logs, 'new'), 'new')
  expectExit(await dray('restore', 'latest', 'web', '--make-path', logs), 0)
  expect(readFileSync(join(logs, 'new'), 'utf8')).toBe('new')
}, 60_000)

test('a restore that fails takes the folders away again', async () => {
  mkdirSync(logs, { recursive: true })
  writeFileSync(join(logs, 'old'), 'old')
  await busyboxImage(host, 'app:1', { cmd: ['sleep', '100000'] })
  await host.sh(`docker run -d --name sick --stop-signal KILL --health-cmd 'test -e /logs/old' --health-interval 300ms --health-retries 1 -v ${logs}:/logs app:1 >/dev/null`)
  expectExit(await dray('backup', 'sick', '--exclude', '/logs'), 0)
  await destroy(host)
  rmSync(join(host.sharedDir, 'srv'), { recursive: true, force: true })
  const before = await inventory(host)
  expectExit(await dray('restore', 'latest', 'sick', '--make-path', logs), 40)
  expect(existsSync(join(host.sharedDir, 'srv'))).toBe(false)
  expect(await inventory(host)).toEqual(before)
}, 60_000)

test('in a plan, and mapped to another path', async () => {
  const file = join(dray.home, 'plan.yaml')
  const moved = join(host.sharedDir, 'elsewhere')
  expectExit(await dray('restore', 'latest', 'web', '--map-bind', `${logs}:${moved}`, '--make-path', moved, '--plan-out', file), 0)
  expect(readFileSync(file, 'utf8')).toContain(`make-paths:\n  - ${moved}\n`)
  expectExit(await dray('restore', '--plan', file), 0)
  expect(readdirSync(moved)).toEqual([])
  expect((await inspect(host, 'web')).Mounts).toMatchObject([{ Source: moved, Destination: '/logs' }])
}, 60_000)

test('the wizard offers it', async () => {
  await using wizard = Terminal.open(`${process.execPath} ${program} restore`, { env: { PATH: process.env['PATH'], HOME: dray.home, XDG_STATE_HOME: dray.state, DRAY_REPO: dray.repository, DOCKER_HOST: at(host) } })
  for (const asked of ['What is to be brought back?', 'As it was when?', 'What of it?', 'Where to?']) await wizard.answer(asked, keys.enter)
  await wizard.answer(/❯ make an empty folder/, keys.enter)
  await wizard.answer('Restore it?', keys.enter)
  expect(await wizard.ended()).toBe(0)
  expect(readdirSync(logs)).toEqual([])
}, 60_000)
