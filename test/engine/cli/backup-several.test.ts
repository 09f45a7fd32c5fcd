import '../../one-realm.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { run } from '../../lab/command.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'

const dray = fileURLToPath(new URL('../../../../bin/dray.js', import.meta.url))
let host: LabHost
let folder: string

beforeAll(async () => {
  host = await startHost({ engine: '20.10' })
  folder = await mkdtemp(join(tmpdir(), 'dray-several-'))
  await busyboxImage(host, 'box:1', { cmd: ['sleep', '1000'] })
  await host.docker(['run', '-d', '--name', 'web', 'box:1'])
}, 120_000)

afterAll(async () => {
  await host[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
}, 60_000)

const cli = (...args: string[]) => run(process.execPath, [dray, ...args, '-H', `unix://${host.socket}`], { env: { PATH: process.env['PATH'], HOME: folder, COLUMNS: '80' } })

test('of several containers those that can be are backed up; the others are named, and it is exit 3', async () => {
  const { exitCode, stdout, stderr } = await cli('backup', 'nobody', 'web', '--quiet')
  expect(stdout).toMatch(/^\d{8}-\d{6}-[0-9a-f]{6}\n$/)
  expect(stderr).toBe(`dray: warning: container "nobody" is not backed up: there is no container "nobody" on "unix://${host.socket}"; docker ps -a shows the containers\n`)
  expect(exitCode).toBe(3)
}, 60_000)

test('as JSON the result names both, and nothing is said twice', async () => {
  const { exitCode, stdout } = await cli('backup', 'web', 'nobody', '--json')
  const events = stdout.trim().split('\n').map(line => JSON.parse(line) as { event: string })
  expect(events.at(-1)).toMatchObject({ event: 'result', ok: false, exitCode: 3, backups: [{ container: 'web' }], failed: [{ container: 'nobody', error: { code: 'not-found', exitCode: 11 } }] })
  expect(events.filter(({ event }) => event === 'note')).toEqual([])
  expect(exitCode).toBe(3)
}, 60_000)

test('when none can be, the first one\'s error ends it', async () => {
  expect(await cli('backup', 'nobody', 'noone', '--quiet')).toMatchObject({ exitCode: 11, stdout: '', stderr: expect.stringMatching(/^dray: warning: .*"nobody".*\ndray: warning: .*"noone".*\ndray: error: there is no container "nobody" on ".*"\ndray: hint: docker ps -a shows the containers\n$/) })
}, 60_000)

test('plan goes on with the others, too', async () => {
  const { exitCode, stdout, stderr } = await cli('plan', 'wbe', 'web')
  expect(stdout).toContain('container web (running)')
  expect(stderr).toContain('dray: warning: container "wbe" is not looked at: there is no container "wbe" on "unix://')
  expect(stderr).toContain('did you mean "web"?')
  expect(exitCode).toBe(3)
  expect(await cli('plan', 'nobody')).toMatchObject({ exitCode: 11 })
}, 60_000)

test('latest: the newest complete one of a container; without a container the last run\'s; what others lack is said', async () => {
  const idOf = async (...args: string[]): Promise<string> => (await cli('backup', ...args)).stdout.trim()
  const chosen = async (...args: string[]): Promise<string> => {
    const { stdout, stderr } = await cli('show', ...args)
    return `${/^backup (\S+)/.exec(stdout)?.[1] ?? ''} ${stderr}`
  }
  await host.docker(['run', '-d', '--name', 'files', '-v', 'data:/data', '-v', 'cache:/cache', 'box:1'])
  const withoutCache = await idOf('files', '--exclude', 'cache')
  expect(await chosen('latest', 'files')).toMatch(new RegExp(`^${withoutCache} dray: warning: backup ${withoutCache} of \\S+ is not complete: it lacks cache at /cache \\(excluded, as asked\\)\n$`))
  const whole = await idOf('files')
  expect(await chosen('latest', 'files')).toBe(`${whole} `)
  const withoutImage = await idOf('files', '--no-image')
  expect(await chosen('latest', 'files')).toMatch(new RegExp(`^${whole} dray: warning: backup ${withoutImage} of \\S+ is newer and passed over: it lacks its image; the last complete one is ${whole} of `))
  expect(await chosen('latest')).toMatch(new RegExp(`^${withoutImage} dray: warning: .* is not complete: it lacks its image\n$`))
  expect((await cli('list')).stdout).toMatch(new RegExp(`${withoutCache} .*cache.*\n${whole} [^\n]*files +[0-9][^\n]*\n${withoutImage} .* its image`))
  await cli('backup', 'files', 'web')
  expect(await cli('show', 'latest')).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/the last run backed up several containers: (files, web|web, files)\n/) })
  expect(await cli('show', 'latest', 'flies')).toMatchObject({ exitCode: 11, stderr: expect.stringContaining('did you mean "files"?') })
  expect(await cli('show', whole.slice(0, -1) + (whole.endsWith('0') ? '1' : '0'))).toMatchObject({ exitCode: 11, stderr: expect.stringContaining(`did you mean "`) })
}, 60_000)

test('doctor says what to do; --repair is not tried with --dry-run', async () => {
  const { exitCode, stdout } = await cli('doctor', '--repo', join(folder, 'none'))
  expect(stdout).toMatch(/^ok {3}engine: .*\nBAD {2}repository: there is no repository in ".*"\n {5}hint: dray backup makes one\n/)
  expect(exitCode).toBe(3)
  expect(await cli('doctor', '--repair', '--dry-run')).toMatchObject({ exitCode: 2 })
  expect(await cli('doctor', '--repair')).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^ok {3}repair: index\.json was sound: 7 backups kept, 0 backups added\n$/) })
}, 60_000)

test('what belongs together rests at one time and is one backup; shared volumes and images are in it once', async () => {
  await host.docker(['rm', '-f', 'files'])
  for (const name of ['writer', 'reader']) await host.docker(['run', '-d', '--name', name, '-v', `shared:/${name}`, 'box:1'])
  await host.docker(['create', '--name', 'left', '-l', 'dray.backup=false', 'box:1'])
  const since = Math.floor(Date.now() / 1000)
  const { exitCode, stdout, stderr } = await cli('backup', '--all', '--json')
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  const { backups } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { backups: { id: string; containers: { name: string; freeze: { way: string; milliseconds: number } }[]; mounts: { source: string; destinations: { path: string }[] }[]; freeze: { milliseconds: number } }[] }
  expect(backups.map(({ containers }) => containers.map(({ name }) => name))).toEqual([['reader', 'writer'], ['web']])
  const [together] = backups
  expect(together?.mounts).toMatchObject([{ source: 'shared', destinations: [{ path: '/reader' }, { path: '/writer' }] }])
  for (const { freeze } of together?.containers ?? []) expect(freeze).toMatchObject({ way: 'pause', milliseconds: expect.any(Number) })
  const { stdout: events } = await host.docker(['events', '--since', String(since), '--until', String(Math.ceil(Date.now() / 1000) + 1), '--filter', 'event=pause', '--filter', 'event=unpause', '--format', '{{.Action}} {{.Actor.Attributes.name}}'])
  expect(events.trim().split('\n').filter(line => !line.endsWith(' web')).map(line => line.split(' ')[0])).toEqual(['pause', 'pause', 'unpause', 'unpause'])
  const { stdout: shown } = await cli('show', together?.id ?? '')
  expect(shown).toMatch(/container reader: running.*\n.*\ncontainer writer: running/)
  expect(shown.match(/box:1 /g)).toHaveLength(1)
  expect(await cli('verify', '--deep')).toMatchObject({ exitCode: 0 })
}, 60_000)

test('all of a run comes back together; --name is for one', async () => {
  await host.docker(['exec', 'reader', 'sh', '-c', 'echo kept > /reader/file'])
  const { stdout } = await cli('backup', '--all')
  const [together = ''] = stdout.trim().split('\n')
  expect(await cli('restore', together, '--name', 'other', '--replace')).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/--name is for one container, and these are 2: reader, writer\ndray: hint: .*dray restore \S+ reader --name NEW/) })
  expect(await cli('restore', 'latest')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('dray restore latest --all takes all of them') })
  await host.docker(['rm', '-f', 'reader', 'writer', 'web'])
  await host.docker(['volume', 'rm', 'shared'])
  expect(await cli('restore', '--all', '-q')).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^(reader\nwriter\nweb|web\nreader\nwriter)\n$/), stderr: '' })
  expect((await host.docker(['exec', 'writer', 'cat', '/writer/file'])).stdout).toBe('kept\n')
  expect((await host.docker(['ps', '--format', '{{.Names}}'])).stdout.trim().split('\n').sort()).toEqual(['reader', 'web', 'writer'])
}, 60_000)

test('an unchosen container that writes to a shared volume is a warning; what fits nothing is 11, with what there is', async () => {
  expect(await cli('backup', 'reader')).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('container "writer" runs and may write to volume "shared": it is not brought to rest with this one') })
  expect(await cli('backup', '--project', 'shop')).toMatchObject({ exitCode: 11, stderr: expect.stringContaining('no container there belongs to a project') })
  expect(await cli('backup', 'x-*')).toMatchObject({ exitCode: 11, stderr: expect.stringContaining('its containers: left, reader, web, writer') })
  expect(await cli('plan', '--all')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('together  with writer: at rest at one time, and one backup') })
  expect(await cli('backup', '--all', 'web')).toMatchObject({ exitCode: 2 })
}, 60_000)
