import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { showsFixture } from '../../lab/screen-fixture.ts'
import { keys, Terminal } from '../../lab/terminal.ts'
import { docker, expectExit, installDray, inventory, type Dray } from '../../engine/cli/dray.ts'
import { destroy } from '../../engine/cli/whole-container.ts'

const root = fileURLToPath(new URL('../../../../', import.meta.url))
const { enter, escape, down, space, up, ctrlC } = keys
let host: LabHost
let dray: Dray
let env: NodeJS.ProcessEnv

/** Two repositories; "web" with a port, a volume and a path, twice backed up, verified, and changed since; "lone", which is gone with its network and its path. */
beforeAll(async () => {
  host = await startHost({ engine: '20.10' })
  dray = await installDray()
  symlinkSync(host.socket, join(dray.home, 'engine.sock'))
  env = { PATH: process.env['PATH'], HOME: dray.home, XDG_STATE_HOME: dray.state, DOCKER_HOST: `unix://${dray.home}/engine.sock`, TZ: 'UTC' }
  const run = async (...args: string[]) => expectExit(await dray.plain(args, { ...env, DRAY_REPO: '' }), 0)
  await busyboxImage(host, 'app:1', { cmd: ['sleep', '100000'] })
  mkdirSync(join(dray.home, 'site'))
  mkdirSync(join(dray.home, 'logs'))
  writeFileSync(join(dray.home, 'site/index.html'), 'hello\n')
  await host.sh(`set -e; docker run -d --name web --stop-signal KILL -p 18080:80 -v data:/data -v ${dray.home}/site:/site app:1 >/dev/null
    docker exec web sh -c 'mkdir -p /data/conf/sites; echo one > /data/conf/app.conf; echo a > /data/conf/sites/a.conf; echo b > /data/conf/sites/b.conf; echo log > /data/log'
    docker network create --subnet 10.97.61.0/24 net >/dev/null; docker run -d --name lone --stop-signal KILL --network net --ip 10.97.61.9 -v ${dray.home}/logs:/logs app:1 >/dev/null`)
  await run('backup', 'lone', '--exclude', '/logs')
  await run('backup', 'web')
  await host.sh(`docker exec web sh -c 'echo two > /data/conf/app.conf; echo new > /data/new; rm /data/log'`)
  await run('backup', 'web', '--tag', 'nightly')
  await run('verify')
  await run('backup', 'web', '-r', join(dray.home, 'other'))
  await run('list')
  await host.sh(`set -e; docker rm -f lone >/dev/null; docker network rm net >/dev/null; docker network create --subnet 10.97.61.0/25 older >/dev/null; rmdir ${dray.home}/logs
    docker exec web sh -c 'echo three > /data/conf/app.conf'; echo changed > ${dray.home}/site/index.html`)
}, 120_000)
afterAll(async () => {
  await host.sh('docker network rm older >/dev/null')
  await destroy(host)
  await dray[Symbol.asyncDispose]()
  await host[Symbol.asyncDispose]()
}, 60_000)

const shows = (wizard: Terminal, folder: string, name: string, marker: string): Promise<void> => showsFixture(wizard, `${folder}/${name}`, { marker, hidden: dray.home.slice(-6) })

test.each([[80, 24], [200, 50]])('every question and every way out of it, at %i×%i', async (columns, rows) => {
  const size = `${columns}x${rows}`
  const before = await inventory(host)
  const open = (): Terminal => Terminal.open(`${process.execPath} ${join(root, 'bin/dray.js')} restore`, { columns, rows, env: { ...env, NO_COLOR: '1' } })
  {
    await using wizard = open()
    const see = async (name: string, marker: string, ...then: string[]): Promise<void> => {
      await shows(wizard, size, name, marker)
      for (const key of then) wizard.press(key)
    }
    await see('01-repository', 'Where are the backups?', down, down, enter)
    await see('02-another-repository', 'oci://HOST/NAME)', escape)
    await wizard.answer('Where are the backups?', enter)
    await see('03-subject', 'What is to be brought back?', enter)
    await see('04-point', 'As it was when?', enter)
    await see('05-extent', 'What of it?', down, enter)
    await see('06-but-for-some', 'Which are left as they are?', escape)
    await wizard.answer('What of it?', down, down, enter)
    await see('07-data-alone', 'Which of them?', space, enter)
    await see('08-where-to-put-data', 'Where to?', enter)
    await see('09-data-conflict', 'volume "data" is there and not empty', down, enter)
    await see('10-data-in-use', 'is in use by container "web"', escape)
    await wizard.answer('is there and not empty', escape)
    await wizard.answer('Where to?', escape)
    await wizard.answer('What of it?', down, down, down, enter)
    await see('11-files-of-which', 'Files of which?', enter)
    await see('12-tree', 'everything in it', down, enter)
    await see('13-folder', 'app.conf', down, down, enter)
    await see('14-marked', '[x] app.conf', escape)
    await see('15-up-again', 'done: take 1 marked one', ...Array.from('ne'))
    await see('16-typed', 'new', '\u007f', '\u007f')
    await wizard.answer('done: take 1 marked one', enter)
    await see('17-where-to-put-files', 'into a folder of this machine', enter)
    await see('18-which-folder', 'Which folder?', enter)
    await see('19-files-summary', 'Take them out?', escape)
    await wizard.answer('Where to?', down, enter)
    await see('20-files-back-summary', 'over what is there', escape)
    await wizard.answer('Where to?', escape)
    await wizard.answer('done: take', escape)
    await wizard.answer('What of it?', enter)
    await see('21-where-to', 'Where to?', down, enter)
    await see('22-name', 'Name of the container?', escape)
    await wizard.answer('Where to?', down, down, enter)
    await see('23-which-engine', 'Which engine?', escape)
    await wizard.answer('Where to?', enter)
    await see('24-name-taken', 'there is a container "web" already', enter)
    await wizard.answer('Name of the container?', enter)
    await see('25-port-taken', 'port 18080/tcp is taken', down, enter)
    await see('26-which-port', 'Which port?', escape)
    await wizard.answer('port 18080/tcp is taken', enter)
    await see('27-volume-taken', 'volume "data" is there and not empty', enter)
    await see('28-which-volume', 'Name of the volume?', enter)
    await see('29-path-taken', 'is there with other content', enter)
    await see('30-which-path', 'Which path', enter)
    await see('31-summary', 'Restore it?', down, down, enter)
    await see('32-which-file', 'Which file?', escape)
    await wizard.answer('Restore it?', ctrlC)
    await see('33-left', 'nothing was changed')
    expect(await wizard.ended()).toBe(130)
  }
  expect(await inventory(host)).toEqual(before)
  {
    await using wizard = open()
    await wizard.answer('Where are the backups?', enter)
    await wizard.answer('What is to be brought back?', ...Array.from('lone'))
    await wizard.answer(/search\) lone\n❯ container lone/, enter)
    await wizard.answer('As it was when?', enter)
    await wizard.answer('What of it?', enter)
    await wizard.answer('Where to?', enter)
    await shows(wizard, size, '34-network-taken', 'which network "older" has')
    wizard.press(down)
    wizard.press(enter)
    await shows(wizard, size, '35-which-network', 'Name of the network?')
    wizard.press(escape)
    await wizard.answer('which network "older" has', ctrlC)
    expect(await wizard.ended()).toBe(130)
  }
  expect(await inventory(host)).toEqual(before)
}, 240_000)

test('in place, and the way back that it names', async () => {
  await using wizard = Terminal.open(`${process.execPath} ${join(root, 'bin/dray.js')} restore`, { env: { ...env, NO_COLOR: '1' } })
  await wizard.answer('Where are the backups?', enter)
  await wizard.answer('What is to be brought back?', enter)
  await wizard.answer('As it was when?', enter)
  await wizard.answer('What of it?', enter)
  await wizard.answer('Where to?', enter)
  await wizard.answer('there is a container "web" already', down, enter)
  await shows(wizard, '80x24', '36-replaces', 'Restore it, and replace')
  wizard.press(up)
  wizard.press(enter)
  expect(await wizard.ended()).toBe(0)
  await shows(wizard, '80x24', '37-done', 'undo:')
  expect(await docker(host, 'exec', 'web', 'cat', '/data/conf/app.conf', '/site/index.html')).toBe('two\nhello')
  const undo = /undo (\d{8}-\S+)/.exec(wizard.text)?.[1] ?? ''
  expectExit(await dray.plain(['undo', undo, '--yes'], { ...env, DRAY_REPO: '' }), 0)
  expect(await docker(host, 'exec', 'web', 'cat', '/data/conf/app.conf', '/site/index.html')).toBe('three\nchanged')
}, 120_000)
