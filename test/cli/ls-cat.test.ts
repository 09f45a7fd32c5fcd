import '../one-realm.ts'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { backUpFolders } from '../trees/stored-folder.ts'
import { lookLab, makeOddFolder, type LookLab } from './look-lab.ts'

let lab: LookLab

beforeAll(async () => {
  lab = await lookLab()
  makeOddFolder(join(lab.folder, 'data'))
  mkdirSync(join(lab.folder, 'etc'))
  writeFileSync(join(lab.folder, 'etc', 'app.ini'), 'ini\n')
  await using repository = await lab.open()
  await backUpFolders(repository, [
    { folder: join(lab.folder, 'data'), id: 'm1', source: 'data', destination: '/var/lib/data' },
    { folder: join(lab.folder, 'etc'), id: 'm2', source: '/srv/etc', destination: '/var/lib/data/etc' },
  ], { id: 'night-1' })
})
afterAll(async () => {
  await lab[Symbol.asyncDispose]()
})

const names = (stdout: string): string[] => stdout.trimEnd().split('\n').map(line => line.replace(/^\S+ \S+ +\d+ \S+ \S+ /, ''))

test('the mounts of a backup', async () => {
  const { exitCode, stdout } = await lab.dray('ls', 'night')
  expect(exitCode).toBe(0)
  expect(stdout).toMatch(/^backup night-1 of web, [^]*\nm1 +\/var\/lib\/data +data +17 +3\.0 MiB +host\nm2 [^]*no images\n$/)
})

test('a folder: kind, mode, owner, size, time, name, and what links lead to', async () => {
  const { exitCode, stdout } = await lab.dray('ls', 'latest:data')
  expect(exitCode).toBe(0)
  expect(names(stdout)).toEqual(['conf', 'conf-d', 'current -> conf/app.conf', 'fifo', 'large', 'link-to-conf -> conf', 'odd\\xff\\x0a\\\\', 'outside -> /etc/passwd', 'private', 'sparse', 'z-other-name = large'])
  expect((await lab.dray('ls', 'latest:data/conf/app.conf')).stdout).toMatch(/^-rw-r----- \d+:\d+ +10 2023-11-14 22:13 app\.conf\n$/)
  expect((await lab.dray('ls', 'latest:data/private')).stdout).toMatch(/^-rwsr-xr-x \d+:\d+ +1 .* tool\n$/)
  expect((await lab.dray('ls', 'latest:data/fifo')).stdout).toMatch(/^p/)
})

test('-R and patterns, one mount inside another', async () => {
  expect(names((await lab.dray('ls', '-R', 'night-1:/var/lib/data/conf')).stdout)).toEqual(['app.conf', 'sites', 'sites/a.conf', 'sites/b.txt'])
  expect(names((await lab.dray('ls', 'night-1:data/**/*.conf')).stdout)).toEqual(['conf/app.conf', 'conf/sites/a.conf'])
  expect(names((await lab.dray('ls', 'night-1:data/conf*')).stdout)).toEqual(['conf', 'conf-d'])
  expect(names((await lab.dray('ls', '-R', 'night-1:data/conf*')).stdout)).toEqual(['conf', 'conf/app.conf', 'conf/sites', 'conf/sites/a.conf', 'conf/sites/b.txt', 'conf-d'])
  expect(names((await lab.dray('ls', 'night-1:/var/lib/data/etc')).stdout)).toEqual(['app.ini'])
  expect(names((await lab.dray('ls', 'night-1:/srv/etc', 'night-1:data/private')).stdout)).toEqual(['app.ini', 'tool'])
})

test.each(['night-1:data/odd\\xff\\x0a\\\\', 'night-1:data/od*', 'night-1:data/odd\\xff*'])('%s names what is not UTF-8', async place => {
  expect(names((await lab.dray('ls', place)).stdout)).toEqual(['odd\\xff\\x0a\\\\'])
  expect((await lab.dray('cat', place)).stdout).toBe('odd\n')
})

test('--json has an event for each entry', async () => {
  const events = (await lab.dray('ls', 'night-1:data', '--json')).stdout.trimEnd().split('\n').map(line => JSON.parse(line) as Record<string, unknown>)
  expect(events.length).toBe(12)
  expect(events.at(-1)).toMatchObject({ event: 'result', ok: true, exitCode: 0, entries: 11 })
  expect(events.find(({ path }) => path === 'z-other-name')).toMatchObject({ event: 'entry', backup: 'night-1', mount: 'm1', type: 'h', target: './large' })
  expect(events.find(({ pathBase64 }) => pathBase64 !== undefined)).toMatchObject({ path: 'odd\\xff\\x0a\\\\', pathBase64: Buffer.from([0x6f, 0x64, 0x64, 0xff, 0x0a, 0x5c]).toString('base64') })
  expect(JSON.parse((await lab.dray('ls', 'night-1', '--json')).stdout)).toMatchObject({ event: 'result', backups: [{ backup: 'night-1', mounts: [{ id: 'm1', entries: 17 }, { id: 'm2' }] }] })
})

test.each([
  ['conf/app.conf', 'port = 80\n'], ['current', 'port = 80\n'], ['link-to-conf/sites/a.conf', 'a\n'], ['conf/sites/*', 'a\nb\n'], ['/conf//sites/../app.conf', 'port = 80\n'],
])('cat of %s', async (path, content) => {
  expect(await lab.dray('cat', `night-1:data/${path}`)).toMatchObject({ exitCode: 0, stdout: content, stderr: '' })
})

test('cat of another name, and of a file with holes, and of several', async () => {
  expect((await lab.dray('cat', 'night-1:data/z-other-name')).stdout).toBe(Buffer.alloc(100_000, 'large content ').toString())
  const { stdout } = await lab.dray('cat', 'night-1:data/sparse')
  expect(stdout.length).toBe(3_000_000)
  expect([stdout.slice(0, 5), stdout.slice(1_000_000, 1_000_006), stdout.replaceAll('\0', '')]).toEqual(['begin', 'middle', 'beginmiddle'])
  expect((await lab.dray('cat', 'night-1:data/conf-d', 'night-1:/srv/etc/app.ini')).stdout).toBe('beside\nini\n')
})

test.each<[string[], number, string, string]>([
  [['ls', 'night-1:dta'], 11, 'backup "night-1" holds no mount "dta"', 'did you mean "data"?'],
  [['cat', 'night-1:/etc/passwd'], 11, 'backup "night-1" holds no mount "/etc/passwd"', 'what a container wrote outside of its mounts lies in its image'],
  [['ls', 'night-1:data/confx'], 11, 'mount "data" of backup "night-1" holds no "confx"', 'did you mean "conf"?'],
  [['ls', 'night-1:data/*.nothing'], 11, 'holds no "*.nothing"', 'look into it: dray ls night-1:data'],
  [['ls', 'night-1:data/../../x'], 2, '"data/../../x" leads out of the mount', ''],
  [['ls', 'night-1:/run/lock'], 11, 'backup "night-1" does not hold /run/lock: tmpfs is memory', ''],
  [['ls', 'night-2'], 11, 'there is no backup "night-2"', 'did you mean "night-1"?'],
  [['ls', 'night-1:data', '--container', 'db'], 11, 'backup "night-1" holds no container "db"', 'it holds: web'],
  [['cat', 'night-1'], 2, '"night-1" names no mount', 'dray cat night-1:MOUNT/PATH'],
  [['cat', 'night-1:data/conf'], 2, '"night-1:data/conf" is a folder', 'take it out: dray extract night-1:data/conf'],
  [['cat', 'night-1:data/outside'], 11, '"outside" is a symbolic link to "/etc/passwd", outside of the mount', ''],
  [['cat', 'night-1:data/nothing'], 11, 'holds no "nothing"', ''],
  [['cat', 'night-1:data/conf-d', '--json'], 2, 'cat writes the files themselves', 'leave out --json'],
])('%j', async (args, exitCode, message, hint) => {
  const { stderr, stdout, ...ended } = await lab.dray(...args)
  expect({ ...ended, stdout: stdout.startsWith('{') ? '' : stdout }).toMatchObject({ exitCode, stdout: '' })
  expect(stderr).toContain(message)
  expect(stderr).toContain(hint)
})
