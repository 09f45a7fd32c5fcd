import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { docker, expectExit, inventory, installDray, type Dray } from '../../engine/cli/dray.ts'
import { destroy } from '../../engine/cli/whole-container.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { startRegistry, type LabRegistry } from '../../lab/registry.ts'
import { seesFixtures } from '../../lab/screen-fixture.ts'
import { keys, Terminal } from '../../lab/terminal.ts'

const program = fileURLToPath(new URL('../../../../bin/dray.js', import.meta.url))
const { enter, escape, down, up, ctrlC } = keys
let host: LabHost
let registry: LabRegistry
let dray: Dray
let socket: string
let inRegistry: string

/** "web" with a port, a volume and a path, also backed up into a registry; a project of two; "gone" with its path. All but the last are there, their data changed. */
beforeAll(async () => {
  registry = await startRegistry()
  host = await startHost({ engine: '20.10' })
  dray = await installDray()
  socket = join(dray.home, 'engine.sock')
  inRegistry = `oci://${registry.address}/backups`
  symlinkSync(host.socket, socket)
  await busyboxImage(host, 'app:1', { cmd: ['sleep', '100000'] })
  mkdirSync(join(dray.home, 'site'))
  mkdirSync(join(dray.home, 'logs'))
  writeFileSync(join(dray.home, 'site/index.html'), 'hello\n')
  await host.sh(`set -e
    docker run -d --name web --stop-signal KILL -p 18080:80 -v data:/data -v ${dray.home}/site:/site app:1 >/dev/null; docker exec web sh -c 'echo stored > /data/file'
    for name in shop-db shop-front; do docker run -d --name $name --stop-signal KILL --label com.docker.compose.project=shop --label com.docker.compose.service=$name app:1 >/dev/null; done
    docker run -d --name gone --stop-signal KILL -v ${dray.home}/logs:/logs app:1 >/dev/null`)
  const run = async (...args: string[]) => expectExit(await dray.plain(args, { DOCKER_HOST: `unix://${socket}` }), 0)
  await run('backup', 'gone', '--exclude', '/logs')
  await run('backup', '--project', 'shop')
  await run('-r', inRegistry, '--insecure', 'backup', 'web')
  await run('backup', 'web')
  rmSync(join(dray.home, 'logs'), { recursive: true })
  writeFileSync(join(dray.home, 'site/index.html'), 'changed\n')
  await host.sh(`docker rm -f gone >/dev/null; docker exec web sh -c 'echo later > /data/file'`)
}, 180_000)
afterAll(async () => {
  await destroy(host)
  await Promise.all([dray[Symbol.asyncDispose](), host[Symbol.asyncDispose](), registry[Symbol.asyncDispose]()])
}, 60_000)

describe.each([[80, 24], [200, 50]])('at %i×%i', (columns, rows) => {
  const open = (...options: readonly string[]): Terminal => Terminal.open([process.execPath, program, 'restore', ...options].join(' '), { columns, rows, env: { PATH: process.env['PATH'], HOME: dray.home, XDG_STATE_HOME: dray.state, DRAY_REPO: dray.repository, DOCKER_HOST: `unix://${socket}`, NO_COLOR: '1', TZ: 'UTC' } })
  const seeing = (wizard: Terminal) => seesFixtures(wizard, `${columns}x${rows}`, dray.home.slice(-6))
  const openAt = async (subject: string, ...options: readonly string[]): Promise<Terminal> => {
    const wizard = open(...options)
    await wizard.answer('What is to be brought back?', ...Array.from(subject))
    await wizard.answer(new RegExp(`search\\) ${subject}\\n❯ ${subject}`), enter)
    for (const asked of ['As it was when?', 'What of it?', 'Where to?']) await wizard.answer(asked, enter)
    return wizard
  }
  const left = async (wizard: Terminal): Promise<void> => {
    wizard.press(ctrlC)
    expect(await wizard.ended()).toBe(130)
  }

  test('what was seen to elsewhere, what cannot be, what is kept, and no in the end', async () => {
    const before = await inventory(host)
    await using wizard = await openAt('container web')
    const see = seeing(wizard)
    await wizard.answer('there is a container "web" already', down, down, enter)
    await see('60-looked-again', /look again[^]*What now\?\n❯ put it beside/, enter)
    await wizard.answer('Name of the container?', enter)
    await wizard.answer('port 18080/tcp is taken', down, enter)
    await wizard.answer('Which port?', ...Array.from('http'), enter)
    await see('61-no-such-port', 'a number from 1 to 65535', ...Array.from('http', () => '\u007f'), ...Array.from('18099'), enter)
    await wizard.answer('volume "data" is there and not empty', enter)
    await wizard.answer('Name of the volume?', '!', enter)
    await see('62-no-such-volume', 'letters, digits', escape)
    await wizard.answer('volume "data" is there and not empty', down, down, enter)
    await wizard.answer('is there with other content', enter)
    await wizard.answer('Which path', 'x', enter)
    await see('63-no-such-path', 'a path from the root', escape)
    await wizard.answer('is there with other content', down, down, enter)
    await see('64-kept', 'Restore it?', down, down, enter)
    await wizard.answer('Which file?', '-', enter)
    await see('65-no-such-file', 'name one', escape)
    await wizard.answer('Restore it?', down, enter)
    expect(await wizard.ended()).toBe(0)
    await see('66-no', 'nothing was changed')
    expect(await inventory(host)).toEqual(before)
  }, 120_000)

  test('a project: its names cannot be others, so it is replaced or left', async () => {
    await using wizard = await openAt('project shop')
    await seeing(wizard)('67-project-taken', 'already (running). What now?', enter)
    await wizard.shows('Restore it, and replace')
    await left(wizard)
  }, 120_000)

  test('a path that is missing', async () => {
    await using wizard = await openAt('container gone')
    const see = seeing(wizard)
    await see('68-path-missing', '❯ make an empty folder', down, enter)
    await wizard.answer('Which path', escape)
    await wizard.answer('❯ make an empty folder', enter)
    await see('69-path-made', 'Restore it?')
    await left(wizard)
  }, 120_000)

  test('backups in a registry: nothing is replaced that could not be backed up first', async () => {
    await using wizard = await openAt('container web', '-r', inRegistry, '--insecure')
    await seeing(wizard)('70-name-taken-registry', 'there is a container "web" already')
    expect(wizard.text).not.toContain('replace')
    await left(wizard)
  }, 120_000)

  test('an engine that is not there yet', async () => {
    rmSync(socket)
    await using wizard = await openAt('container web')
    await wizard.answer(/cannot connect to the engine[^]*❯ try again/, enter)
    await wizard.shows(/cannot connect to the engine[^]*❯ try again/)
    symlinkSync(host.socket, socket)
    wizard.press(enter)
    await wizard.answer('there is a container "web" already', up)
    await left(wizard)
    expect(await docker(host, 'exec', 'web', 'cat', '/data/file')).toBe('later')
  }, 120_000)
})
