import '../one-realm.ts'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { backUpFolders } from '../trees/stored-folder.ts'
import { lookLab, makeOddFolder, type LookLab } from './look-lab.ts'

let lab: LookLab

beforeAll(async () => {
  lab = await lookLab()
  const data = join(lab.folder, 'data')
  makeOddFolder(data)
  mkdirSync(join(lab.folder, 'etc'))
  writeFileSync(join(lab.folder, 'etc', 'app.conf'), 'other\n')
  await using repository = await lab.open()
  const mounts = [{ folder: data, id: 'm1', source: 'data', destination: '/var/lib/data' }]
  await backUpFolders(repository, mounts, { id: 'a', created: '2026-01-01T00:00:00Z', tags: ['keep'] })
  writeFileSync(join(data, 'conf', 'app.conf'), 'changed\n')
  rmSync(join(data, 'conf-d'))
  await backUpFolders(repository, [...mounts, { folder: join(lab.folder, 'etc'), id: 'm2', source: '/srv/etc', destination: '/etc/app' }], { id: 'b', created: '2026-02-01T00:00:00Z', host: 'there' })
})
afterAll(async () => {
  await lab[Symbol.asyncDispose]()
})

const places = async (...args: string[]): Promise<string[]> => {
  const { exitCode, stdout } = await lab.dray('find', ...args)
  return exitCode === 0 ? stdout.trimEnd().split('\n').map(line => line.replace(/^\S+ \S+ +(?:\S+ [KMG]?i?B|folder) +/, '')) : [`exit ${exitCode}`]
}

test.each<[string[], string[]]>([
  [['app.conf'], ['b:data/conf/app.conf', 'b:/srv/etc/app.conf', 'a:data/conf/app.conf']],
  [['conf-d'], ['a:data/conf-d']],
  [['conf/app.conf'], ['b:data/conf/app.conf', 'a:data/conf/app.conf']],
  [['/etc/app/app.conf'], ['b:/srv/etc/app.conf']],
  [['/var/lib/data/conf/*.conf', '--backup', 'b'], ['b:data/conf/app.conf']],
  [['*.txt', '--until', '2026-01-15'], ['a:data/conf/sites/b.txt']],
  [['conf', '--tag', 'keep'], ['a:data/conf']],
  [['conf', '--from-host', 'there'], ['b:data/conf']],
  [['odd\\xff*', '--backup', 'a'], ['a:data/odd\\xff\\x0a\\\\']],
  [['{a,b}.{conf,txt}', '--backup', 'a'], ['a:data/conf/sites/a.conf', 'a:data/conf/sites/b.txt']],
  [['nothing'], ['exit 11']],
  [['conf', '--container', 'db'], ['exit 11']],
  [['conf', '--since', 'yesterday'], ['exit 2']],
  [['conf', '--since', '2026-03-01', '--until', '2026-02-01'], ['exit 2']],
])('find %j', async (args, found) => {
  expect(await places(...args)).toEqual(found)
})

test('each line can be typed again', async () => {
  const [place] = await places('odd*', '--backup', 'a')
  expect((await lab.dray('cat', place!)).stdout).toBe('odd\n')
})

test('--json', async () => {
  const events = (await lab.dray('find', 'app.conf', '--json')).stdout.trimEnd().split('\n').map(line => JSON.parse(line) as Record<string, unknown>)
  expect(events.map(({ event }) => event)).toEqual(['entry', 'entry', 'entry', 'result'])
  expect(events[0]).toMatchObject({ backup: 'b', created: '2026-02-01T00:00:00Z', mount: 'm1', place: 'b:data/conf/app.conf', path: 'conf/app.conf', size: 8 })
  expect(events[3]).toMatchObject({ ok: true, entries: 3, backups: 2, damaged: [] })
})

test('a bind inside another one is named once, and a single file by its own path, as cat takes it', async () => {
  const conf = join(lab.folder, 'data/conf')
  const single = join(lab.folder, 'single')
  mkdirSync(single)
  writeFileSync(join(single, 'app.conf'), 'single\n')
  await using repository = await lab.open()
  await backUpFolders(repository, [{ folder: conf, id: 'm1', source: '/srv/conf', destination: '/conf' }, { folder: single, id: 'm2', source: '/srv/conf/app.conf', destination: '/single', more: { kind: 'file' } }, { folder: join(conf, 'sites'), id: 'm3', source: '/srv/conf/sites', destination: '/sites' }], { id: 'n', created: '2025-01-01T00:00:00Z' })
  const inNested = (name: string): Promise<string[]> => places(name, '--backup', 'n')
  expect(await inNested('app.conf')).toEqual(['n:/srv/conf/app.conf'])
  expect((await lab.dray('cat', 'n:/srv/conf/app.conf')).stdout).toBe('single\n')
  expect(await inNested('b.txt')).toEqual(['n:/srv/conf/sites/b.txt'])
  expect(await inNested('sites')).toEqual(['n:/srv/conf/sites'])
  expect(await inNested('/conf/sites/b.txt')).toEqual(['n:/srv/conf/sites/b.txt'])
})
