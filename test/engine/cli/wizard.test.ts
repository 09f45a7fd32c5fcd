import { writeFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { expect, test } from '@jest/globals'
import type { LabHost } from '../../lab/host.ts'
import { keys, Terminal } from '../../lab/terminal.ts'
import { at, docker, expectExit, inspect, inventory, type Dray } from './dray.ts'
import { useHost } from './use-host.ts'
import { mountpoint } from './whole-container.ts'

const program = fileURLToPath(new URL('../../../../bin/dray.js', import.meta.url))
const { enter, escape, down, up, ctrlC } = keys
let host: LabHost
let dray: Dray

/** "web" with a port and a volume, and its backup. */
useHost(both => void ({ host, dray } = both), async () => {
  await host.sh('docker run -d --name web --stop-signal KILL -p 18080:80 -v data:/data app:1 >/dev/null; docker exec web sh -c "echo stored > /data/file"')
  expectExit(await dray('backup', 'web'), 0)
})

function openWizard(env: NodeJS.ProcessEnv = {}): Terminal {
  return Terminal.open(`${process.execPath} ${program} restore`, { env: { PATH: process.env['PATH'], HOME: dray.home, XDG_STATE_HOME: dray.state, DRAY_REPO: dray.repository, DOCKER_HOST: at(host), ...env } })
}

/** Container, point in time, everything, this engine. */
async function takeDefaults(wizard: Terminal): Promise<void> {
  await wizard.answer('What is to be brought back?', enter)
  await wizard.answer('As it was when?', enter)
  await wizard.answer('What of it?', enter)
  await wizard.answer('Where to?', enter)
}

const data = async () => readFileSync(join(await mountpoint(host, 'data'), 'file'), 'utf8')

test('a container that is gone with its volume is back in five keys, without colour, within 80 columns', async () => {
  await host.sh('docker rm -f web >/dev/null; docker volume rm data >/dev/null')
  await using wizard = openWizard({ NO_COLOR: '1' })
  await takeDefaults(wizard)
  const summary = await wizard.shows('Restore it?')
  expect(summary).toMatch(/would restore container "web"[^]*makes +volume "data"[^]*in a script:\n +dray -r \S+ restore \S+ web\n/)
  wizard.press(enter)
  expect(await wizard.ended()).toBe(0)
  expect(wizard.text).toMatch(/state: running[^]*check: [^]*undo: +docker -H \S+ rm -f -v web && docker -H \S+ volume rm data/)
  expect(wizard.pressed).toBeLessThan(10)
  expect(await data()).toBe('stored\n')
  expect((await inspect(host, 'web')).State.Status).toBe('running')
  expect(wizard.raw).not.toMatch(/\u001b\[[0-9;]*[1-9][0-9;]*m/)
  const asked = wizard.raw.slice(0, wizard.raw.indexOf('would restore')).split(/[\r\n]+|\u001b\[\d*[A-K]/)
  expect(Math.max(...asked.map(line => stripVTControlCharacters(line).length))).toBeLessThanOrEqual(80)
}, 60_000)

test('Escape leads back, also from a conflict; Ctrl-C leaves everything as it is', async () => {
  const before = await inventory(host)
  await using wizard = openWizard()
  await wizard.answer('What is to be brought back?', enter)
  await wizard.answer('As it was when?', escape)
  await wizard.answer('What is to be brought back?', ...Array.from('web'))
  await wizard.answer(/search\) web\n❯ container web/, enter)
  await wizard.answer('As it was when?', enter)
  await wizard.answer('What of it?', enter)
  await wizard.answer('Where to?', enter)
  await wizard.answer('there is a container "web" already', escape)
  await wizard.answer('Where to?', escape)
  await wizard.answer('What of it?', ctrlC)
  expect(await wizard.ended()).toBe(130)
  expect(wizard.text).toContain('dray: error: nothing was changed')
  expect(await inventory(host)).toEqual(before)
}, 60_000)

test('beside the one that runs: another name, the next free port, another volume', async () => {
  const before = await inventory(host)
  await using wizard = openWizard()
  await takeDefaults(wizard)
  await wizard.answer('there is a container "web" already', enter)
  await wizard.answer('Name of the container?', enter)
  expect(await wizard.shows('port 18080/tcp is taken by container "web"')).toContain('publish the next free one: 18081')
  wizard.press(enter)
  await wizard.answer('volume "data" is there and not empty', enter)
  await wizard.answer('Name of the volume?', ...Array.from('d2'), enter)
  expect(await wizard.shows('Restore it?')).toMatch(/--name web-restored[\s\\]+--map-port 18080:18081[\s\\]+--map-volume data:d2/)
  wizard.press(escape)
  await wizard.answer('volume "data" is there and not empty', enter)
  await wizard.answer('Name of the volume?', enter)
  await wizard.answer('Restore it?', enter)
  expect(await wizard.ended()).toBe(0)
  expect((await inspect(host, 'web-restored')).HostConfig['PortBindings']).toMatchObject({ '80/tcp': [{ HostPort: '18081' }] })
  expect(await docker(host, 'exec', 'web-restored', 'cat', '/data/file')).toBe('stored')
  const after = await inventory(host)
  expect(after.containers).toEqual(expect.arrayContaining([...before.containers]))
  expect(after.volumes).toEqual(['data local', 'data-restored local'])
}, 60_000)

test('in place: no unless said, everything backed up first, and the way back', async () => {
  writeFileSync(join(await mountpoint(host, 'data'), 'file'), 'later\n')
  await using wizard = openWizard()
  await takeDefaults(wizard)
  await wizard.answer('there is a container "web" already', down, enter)
  expect(await wizard.shows('Restore it, and replace container "web", volume "data"?')).toContain('❯ no, change nothing')
  wizard.press(up)
  wizard.press(enter)
  expect(await wizard.ended()).toBe(0)
  expect(await data()).toBe('stored\n')
  const undo = /undo: +dray -r \S+ undo (\S+)/.exec(wizard.text)?.[1]
  expectExit(await dray('undo', undo!, '--yes'), 0)
  expect(await data()).toBe('later\n')
}, 90_000)

test('it ends in a plan that does the same: beside, with no port published', async () => {
  const before = await inventory(host)
  const file = join(dray.home, 'web.yaml')
  await using wizard = openWizard()
  await takeDefaults(wizard)
  await wizard.answer('there is a container "web" already', enter)
  await wizard.answer('Name of the container?', enter)
  await wizard.answer('port 18080/tcp is taken', down, down, enter)
  await wizard.answer('volume "data" is there and not empty', enter)
  await wizard.answer('Name of the volume?', enter)
  expect(await wizard.shows('Restore it?')).toContain('--map-port 18080:none')
  wizard.press(down)
  wizard.press(down)
  wizard.press(enter)
  await wizard.answer('Which file?', ...Array.from(file), enter)
  expect(await wizard.ended()).toBe(0)
  expect(await inventory(host)).toEqual(before)
  expect(readFileSync(file, 'utf8')).toMatch(/from: 18080\n +to: none\n/)
  expectExit(await dray('restore', '--plan', file), 0)
  expect((await inspect(host, 'web-restored')).HostConfig['PortBindings']).toEqual({})
  expect(await docker(host, 'exec', 'web-restored', 'cat', '/data/file')).toBe('stored')
}, 60_000)
