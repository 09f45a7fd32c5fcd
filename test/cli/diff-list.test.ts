import '../one-realm.ts'
import { chmodSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { fixtureNames, fixtureRecord, withConfig } from '../unit/engine/spec-fixtures.ts'
import { layerOf } from '../unit/integrity/tree-backup.ts'
import { putSmallImage } from '../unit/store/scratch.ts'
import { backUpFolders } from '../trees/stored-folder.ts'
import { lookLab, makeOddFolder, type LookLab } from './look-lab.ts'

let lab: LookLab
const record = fixtureRecord('20.10', fixtureNames('20.10')[0]!)
const name = record.inspect.Name.slice(1)
const specWith = (env: string[], mounts: object[]): object => ({ ...withConfig(record, { Env: env, WorkingDir: env.length > 1 ? '/new' : '/old' }), format: 1, images: [], leftOut: [], freeze: { way: 'pause', milliseconds: 1 }, mounts })

beforeAll(async () => {
  lab = await lookLab()
  const data = join(lab.folder, 'data')
  makeOddFolder(data)
  for (let at = 0; at < 3000; at++) writeFileSync(join(data, 'private', `file-${at}`), String(at))
  await using repository = await lab.open()
  const mounts = [{ folder: data, id: 'm1', source: 'data', destination: '/var/lib/data' }]
  const own = [{ id: 'm1', destinations: ['/var/lib/data'] }]
  const [one, other] = [await putSmallImage(repository, layerOf('one')), await putSmallImage(repository, layerOf('other'))]
  await backUpFolders(repository, mounts, { id: 'a', created: '2026-01-01T00:00:00Z', images: [one], containers: [{ name, spec: specWith(['SECRET=first'], own) }], tags: ['keep'] })
  writeFileSync(join(data, 'conf', 'app.conf'), 'changed content\n')
  utimesSync(join(data, 'conf', 'app.conf'), 1_700_000_000, 1_700_000_100)
  chmodSync(join(data, 'private', 'tool'), 0o600)
  rmSync(join(data, 'conf-d'))
  writeFileSync(join(data, 'private', 'file-2999x'), 'new')
  await backUpFolders(repository, mounts, { id: 'b', created: '2026-02-01T00:00:00Z', images: [other], containers: [{ name, spec: specWith(['SECRET=second', 'MORE=1'], own) }], host: 'a-host-with-a-long-name', project: 'shop', lacks: ['its image'] })
})
afterAll(async () => {
  await lab[Symbol.asyncDispose]()
})

test('diff names settings without secrets, layers, and files with their sizes', async () => {
  const { exitCode, stdout } = await lab.dray('diff', 'a', 'b')
  expect(exitCode).toBe(0)
  expect(stdout).not.toMatch(/first|second(?! )/)
  expect(stdout.split('\n')).toEqual([
    'from a of 2026-01-01 00:00 to b of 2026-02-01 00:00',
    `container ${name}: 2 settings differ`,
    '  Config.Env: SECRET changed, MORE added',
    '  Config.WorkingDir: "/old" -> "/new"',
    'images: 0 layers the same, 1 added, 1 removed',
    expect.stringMatching(/^ {2}- layer sha256:[0-9a-f]{12} {2}\d+ B$/),
    expect.stringMatching(/^ {2}\+ layer sha256:[0-9a-f]{12} {2}\d+ B$/),
    'mount data:',
    '  -       7 B  conf-d',
    '  M      16 B  conf/app.conf  (size 10 B -> 16 B, time)',
    '  +       3 B  private/file-2999x',
    '  M       1 B  private/tool  (mode 4755 -> 600)',
    'mount data: 1 added (3 B), 1 removed (7 B), 2 changed (17 B)',
    '',
  ])
  expect((await lab.dray('diff', 'a', 'b', '--summary')).stdout).not.toContain('file-2999x')
})

test('diff of a backup with itself, and --json', async () => {
  expect((await lab.dray('diff', 'a', 'a')).stdout.split('\n').slice(1)).toEqual([`container ${name}: the same settings`, 'images: the same 1 layer', 'mount data: the same files', ''])
  const events = (await lab.dray('diff', 'a', 'b', '--json')).stdout.trimEnd().split('\n').map(line => JSON.parse(line) as Record<string, unknown>)
  expect(events.slice(0, -1).map(({ change, path }) => [change, path])).toEqual([['removed', 'conf-d'], ['changed', 'conf/app.conf'], ['added', 'private/file-2999x'], ['changed', 'private/tool']])
  expect(events.at(-1)).toMatchObject({ event: 'result', ok: true, before: 'a', after: 'b', images: { same: 0, added: [{}], removed: [{}] }, mounts: [{ mount: 'data', added: 1, removed: 1, changed: 2 }] })
})

const ids = async (...args: string[]): Promise<string[]> => (JSON.parse((await lab.dray('list', '--json', ...args)).stdout) as { backups: { id: string }[] }).backups.map(({ id }) => id)

test.each<[string[], string[]]>([
  [[], ['a', 'b']], [['--container', name], ['a', 'b']], [['--container', 'nothing*'], []], [['--project', 'shop'], ['b']], [['--tag', 'keep'], ['a']],
  [['--from-host', 'a-host-*'], ['b']], [['--since', '2026-01-15'], ['b']], [['--until', '2026-01-01'], ['a']], [['--since', '2026-01-01 00:00', '--until', '2026-01-01T00:00'], ['a']],
])('list %j', async (args, found) => {
  expect(await ids(...args)).toEqual(found)
})

test('list in groups, and nothing found', async () => {
  const { stdout } = await lab.dray('list', '--by', 'host')
  expect(stdout).toMatch(new RegExp(`^a-host-with-a-long-name\\n  BACKUP +CREATED +AGE  OF +LACKS +SIZE\\n  b +2026-02-01 00:00 +[^\\n]+\\n\\nhere\\n  BACKUP +CREATED +AGE  OF +TAGS +SIZE\\n  a +2026-01-01 00:00 [^\\n]+\\n$`))
  expect((await lab.dray('list', '--by', 'container')).stdout).toContain(`${name} on here\n`)
  expect((await lab.dray('list', '--container', 'none')).stdout).toBe(`none of 2 backups in ${lab.path} is such a one\n`)
  expect((await lab.dray('list', '--since', '2026-13-01')).exitCode).toBe(2)
})
