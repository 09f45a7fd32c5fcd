import '../one-realm.ts'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { thisProcess } from '../../src/files/owner.ts'
import { Journal } from '../../src/pipeline/journal.ts'
import { childAnnotationNames, type BackupFacts } from '../../src/store/backup-summary.ts'
import { listBackups } from '../../src/store/backup-list.ts'
import { readBackup } from '../../src/store/backup-graph.ts'
import type { LocalRepository } from '../../src/store/repository.ts'
import { run } from '../lab/command.ts'
import { backUp, noise, putSmallImage, scratch, type Scratch } from '../unit/store/scratch.ts'

const program = fileURLToPath(new URL('../../../bin/dray.js', import.meta.url))
let at: Scratch
let repository: LocalRepository
beforeEach(async () => {
  at = await scratch()
  repository = await at.open()
})
afterEach(async () => {
  await repository.close()
  await at[Symbol.asyncDispose]()
})

const env = () => ({ PATH: process.env['PATH'], HOME: at.folder, DRAY_REPO: at.path, XDG_STATE_HOME: join(at.folder, 'state'), TZ: 'Europe/Berlin' })
async function dray(...args: string[]): Promise<{ exitCode: number; stdout: string; stderr: string; result: Record<string, unknown> }> {
  const ended = await run(process.execPath, [program, ...args], { env: env() })
  const last = ended.stdout.trim().split('\n').at(-1) ?? ''
  return { ...ended, result: args.includes('--json') ? JSON.parse(last) as Record<string, unknown> : {} }
}
const ids = async () => (await listBackups(repository)).map(({ id }) => id).sort()

/** A backup of these containers, whose id ends with its day of November. */
async function make(id: string, more: Partial<BackupFacts> = {}): Promise<void> {
  const day = /(\d\d)$/.exec(id)?.[1] ?? '01'
  const { containers = ['web'], ...facts } = more
  await backUp(repository, noise(20_000), { id, created: `2026-11-${day}T03:00:00.000Z`, tags: [], ...facts, containers: containers.map(name => ({ name, spec: { id } })) })
}

describe('forget by rules', () => {
  test('counts for each container of each host and engine, and says why each stays', async () => {
    for (const day of ['01', '02', '03']) await make(`web-${day}`)
    for (const day of ['01', '02']) await make(`far-${day}`, { host: 'far', engine: 'OTHER' })
    await make('db-01', { containers: ['db'] })
    const dry = await dray('forget', '--keep-last', '1', '--keep-weekly', '2', '--dry-run')
    expect(dry.exitCode).toBe(0)
    expect(dry.stdout).toBe(`BACKUP  CREATED           HOST  OF   TAGS         WHY
far-01  2026-11-01 04:00  far   web        stays  weekly 2 of 2 (2026-W44)
far-02  2026-11-02 04:00  far   web        stays  last 1 of 1, weekly 1 of 2 (2026-W45)
db-01   2026-11-01 04:00  here  db         stays  last 1 of 1, weekly 1 of 2 (2026-W44)
web-01  2026-11-01 04:00  here  web        stays  weekly 2 of 2 (2026-W44)
web-02  2026-11-02 04:00  here  web        goes   no rule keeps it
web-03  2026-11-03 04:00  here  web        stays  last 1 of 1, weekly 1 of 2 (2026-W45)
`)
    expect(dry.stderr).toBe('dray: would forget: 1 backup; 5 backups stay\ndray: days, weeks, months and years are those of Europe/Berlin\n')
    expect(await ids()).toHaveLength(6)
    const { exitCode, stdout, stderr } = await dray('forget', '--keep-last', '1', '--keep-weekly', '2')
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'web-02\n' })
    expect(stderr).toBe('dray: their space is freed by: dray prune\ndray: forgotten: 1 backup; 5 backups stay\ndray: days, weeks, months and years are those of Europe/Berlin\n')
    expect(await ids()).toEqual(['db-01', 'far-01', 'far-02', 'web-01', 'web-03'])
    expect((await dray('forget', '--keep-last', '1', '--keep-weekly', '2', '--json')).result).toMatchObject({ forgotten: [], timeZone: 'Europe/Berlin', policy: { last: 1, weekly: 2 } })
  })

  test('a backup of several containers goes when none of them needs it, and --container is for some', async () => {
    await make('both-01', { containers: ['web', 'db'] })
    await make('web-02')
    await make('web-03')
    expect((await dray('forget', '--keep-last', '1', '--container', 'web')).stdout).toBe('web-02\n')
    await make('db-03', { containers: ['db'] })
    expect((await dray('forget', '--keep-last', '1', '--container', 'web', '--dry-run')).stdout).toMatch(/both-01 .*stays +holds also container "db"/)
    expect((await dray('forget', '--keep-last', '1')).stdout).toBe('both-01\n')
    expect(await dray('forget', '--keep-last', '1', '--container', 'wbe')).toMatchObject({ exitCode: 11, stderr: expect.stringContaining('no backup of container "wbe"') })
  })

  test('images alone are counted by their names', async () => {
    const image = await putSmallImage(repository, noise(1000))
    const images = (names: string[]) => [{ ...image, annotations: { [childAnnotationNames.imageRole]: 'image', [childAnnotationNames.imageNames]: JSON.stringify(names), [childAnnotationNames.imageId]: 'sha256:id' } }]
    for (const [id, names] of [['app-01', ['app:1']], ['app-02', ['app:1', 'app:2']], ['app-03', ['app:1']], ['none-01', []], ['none-02', []]] as const) await backUp(repository, noise(10), { id, created: `2026-11-${id.slice(-2)}T03:00:00Z`, tags: [], containers: [], mounts: [], images: images([...names]) })
    expect((await dray('list')).stdout).toMatch(/^BACKUP +CREATED +AGE +HOST +OF +SIZE\napp-01 .* app:1 +[0-9].*\n[^]*app-02 .* app:1, app:2 .*\n/)
    expect((await dray('list', '--json')).result['backups']).toMatchObject([{ id: 'app-01', containers: [], images: ['app:1'] }, { id: 'none-01' }, { id: 'app-02', images: ['app:1', 'app:2'] }, {}, {}])
    expect((await dray('forget', '--keep-last', '1', '--dry-run')).stdout).toMatch(/app-02 .*app:1, app:2 .*stays +last 1 of 1 of app:2\n/)
    expect((await dray('forget', '--keep-last', '1')).stdout.split('\n').sort()).toEqual(['', 'app-01', 'none-01'])
  })

  test('marks, what restores have replaced, and a damaged one that counts for no rule', async () => {
    for (const day of ['01', '02', '03', '04']) await make(`web-${day}`, { tags: day === '01' ? ['release'] : [] })
    await make('way-back-05', { tags: ['replaced'] })
    const lost = (await readBackup(repository.blobs, (await listBackups(repository)).find(({ id }) => id === 'web-04')!.descriptor)).mounts[0]!.parts[0]!.digest
    await rm(repository.blobs.pathOf(lost))
    const { exitCode, stdout, stderr } = await dray('forget', '--keep-last', '1', '--keep-tag', 'release')
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: 'web-02\n' })
    expect(stderr).toContain('dray: warning: backup "web-04" is damaged: it stays, and counts for no rule')
    expect(stderr).toContain('what restores have replaced stays until it is named: dray forget way-back-05')
    expect(await ids()).toEqual(['way-back-05', 'web-01', 'web-03', 'web-04'])
    expect(await dray('prune', '--grace', '0')).toMatchObject({ exitCode: 20, stderr: expect.stringContaining('dray: hint: to give them up: dray forget web-04\n') })
    expect(await dray('forget', 'web-04', 'way-back-05', '-y', '--prune', '--grace', '0')).toMatchObject({ exitCode: 0, stdout: 'web-04\nway-back-05\n' })
    expect(await dray('prune', '--grace', '0')).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^freed: 0 B in 0 blobs\nin use: /) })
  })

  test.each<[string[], string, string]>([
    [[], 'say which backups stay, or name those that go', 'dray forget --keep-daily 7 --keep-weekly 4 --keep-monthly 12 --dry-run'],
    [['--prune'], 'say which backups stay, or name those that go', 'dray forget 20261121-031200-1a2b3c'],
    [['--container', 'web'], 'say which backups stay, or name those that go', 'dray list shows the backups'],
    [['--keep-last', '0'], '"0" of --keep-last is not a whole number above 0', 'leave a rule out'],
    [['--keep-daily', '1.5'], '"1.5" of --keep-daily is not a whole number above 0', 'leave a rule out'],
    [['--keep-daily', 'all'], '"keep-daily" needs a number', 'usage: dray forget'],
    [['--keep-tag', 'x'], '--keep-tag alone would forget all others', '--keep-daily 7'],
    [['--keep-within', '6m'], '"m" could be minutes or months', '1y6mo'],
    [['--keep-last', '1', '--wait', '5'], 'it needs a unit', '90min'],
    [['--keep-last', '1', '--grace', '1d'], '--grace needs --prune', ''],
    [['x', '--keep-last', '1'], 'name backups, or give rules, not both', 'dray forget --help'],
    [['--even-last', '--keep-last', '1'], '--even-last is for backups that are named', ''],
  ])('dray forget %j is exit 2', async (args, message, hint) => {
    await make('web-01')
    const { exitCode, stderr, stdout } = await dray('forget', ...args)
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).toContain(hint)
    expect(await ids()).toEqual(['web-01'])
  })

  test.each<[string[], string]>([
    [['--forget'], '--forget needs to know which backups stay'], [['--keep-last', '3'], '--keep-… is for --forget'],
  ])('dray backup web %j is exit 2, before anything is done', async (args, message) => {
    expect(await dray('backup', 'web', ...args)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(message) })
  })
})

describe('forget by ids', () => {
  beforeEach(async () => {
    for (const day of ['01', '02', '03']) await make(`web-${day}`)
  })

  test('exactly those, all or none', async () => {
    expect(await dray('forget', 'web-01', 'no-such', '-y')).toMatchObject({ exitCode: 11, stdout: '' })
    expect(await dray('forget', 'web-0', '-y')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('3 backups begin with "web-0"') })
    expect(await ids()).toHaveLength(3)
    expect((await dray('forget', 'web-01', 'web-02', '--dry-run')).stdout).toMatch(/^would forget:\nBACKUP .*\nweb-01 .*\nweb-02 [^\n]*\n$/s)
    expect(await dray('forget', 'web-01', 'web-02', 'web-01', '-y')).toMatchObject({ exitCode: 0, stdout: 'web-01\nweb-02\n' })
    expect(await ids()).toEqual(['web-03'])
  })

  test('the last complete one of a container only with --even-last', async () => {
    await make('way-back-05', { tags: ['replaced'] })
    await make('far-04', { engine: 'OTHER' })
    const refused = await dray('forget', 'web-01', 'web-02', 'web-03', '-y')
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' })
    expect(refused.stderr).toContain('"web-03" is the last complete backup of container "web" of host "here": nothing was forgotten')
    expect(refused.stderr).toContain('--even-last')
    expect(await ids()).toHaveLength(5)
    expect(await dray('forget', 'web-01', 'web-02', 'web-03', '-y', '--even-last')).toMatchObject({ exitCode: 0 })
    expect(await ids()).toEqual(['far-04', 'way-back-05'])
  })

  test('not what a killed restore needs to put things right', async () => {
    const journal = await Journal.start(join(at.folder, 'state/drayage/journal'), 'run-1', 'dray restore latest web --replace')
    await journal.record({ address: 'unix:///x', facts: { id: 'E' } }, { did: 'replaced volume data', volume: 'data', backup: 'web-02', repository: at.path })
    expect(await dray('forget', 'web-02', '-y')).toMatchObject({ exitCode: 12, stderr: expect.stringContaining('"web-02" holds what "dray restore latest web --replace" has replaced and not put right') })
    await journal.leave()
  })

  test('not what dray undo needs, until that is taken back or given up', async () => {
    const folder = join(at.folder, 'state/drayage/runs')
    await mkdir(folder, { recursive: true })
    const record = { format: 1, kind: 'restore', run: '20261127-030000-1a2b3c4d', command: 'dray restore latest web --replace', at: '2026-11-27T03:00:00.000Z', engine: { address: 'unix:///x', id: 'E' }, made: [], containers: [], kept: [{ name: 'web-replaced', id: 'c', was: 'web', status: 'running', restartPolicy: { Name: 'no', MaximumRetryCount: 0 } }], replaced: [{ volume: 'data', backup: 'web-02' }], repository: at.path, backups: ['web-02'] }
    const write = (more: object) => writeFile(join(folder, `${record.run}.json`), JSON.stringify({ ...record, ...more }))
    await write({})
    const refused = await dray('forget', 'web-01', 'web-02', '-y')
    expect(refused).toMatchObject({ exitCode: 12, stdout: '' })
    expect(refused.stderr).toBe(`dray: error: "web-02" holds what "dray restore latest web --replace" has replaced, and is needed to take that back: nothing was forgotten\ndray: hint: take it back: dray undo ${record.run}\ndray: hint: or give that up: dray clean --kept\n`)
    expect(await ids()).toHaveLength(3)
    await write({ kept: [] })
    expect(await dray('forget', 'web-02', '-y')).toMatchObject({ exitCode: 12, stderr: expect.stringContaining('if it is to go all the same: --even-last') })
    expect(await dray('forget', 'web-01', '-y')).toMatchObject({ exitCode: 0 })
    await write({ cleaned: '2026-11-28T03:00:00.000Z' })
    expect(await dray('forget', 'web-02', '-y')).toMatchObject({ exitCode: 0 })
  })

  test('without a terminal only with --yes', async () => {
    const { exitCode, stderr } = await dray('forget', 'web-01')
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining('there is no terminal to ask whether "web-01" may go') })
    expect(await ids()).toHaveLength(3)
  })

  test.each([['y', 0, 2], ['yes', 0, 2], ['', 130, 3], ['n', 130, 3], ['yeah', 130, 3], ['\u0003', 130, 3], ['\u0004', 130, 3]])('on a terminal the answer %j is exit %i', async (answer, exitCode, left) => {
    const child = spawn('script', ['-qec', `${process.execPath} ${program} forget web-01`, '/dev/null'], { env: { ...env(), TERM: 'dumb' }, stdio: ['pipe', 'pipe', 'ignore'] })
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => {
      if (!said.includes('[y/N]') && (said += chunk.toString()).includes('[y/N]')) child.stdin.write(answer === '\u0003' || answer === '\u0004' ? answer : `${answer}\n`)
    })
    const [code] = await once(child, 'close') as [number]
    expect(said).toMatch(/web-01 .*forget 1 backup for ever\? \[y\/N\]/s)
    expect({ code, left: (await ids()).length }).toEqual({ code: exitCode, left })
  })
})

describe('prune', () => {
  const loose = async (name: string, bytes: number, ageMs: number) => {
    const path = join(repository.paths.blobs, name.repeat(64))
    await writeFile(path, Buffer.alloc(bytes))
    await utimes(path, new Date(Date.now() - ageMs), new Date(Date.now() - ageMs))
  }

  test('says what it frees, what is young, and what is in use', async () => {
    await make('web-01')
    await loose('a', 4096, 3 * 86_400_000)
    await loose('b', 2048, 86_400_000)
    const dry = await dray('prune', '--dry-run')
    expect(dry.stdout).toMatch(/^would free: 4\.0 KiB in 1 blob\nnot freed: 2\.0 KiB in 1 blob that no backup needs and that are younger than 48 h \(free them too with --grace 0\)\nin use: 2\d\.\d KiB in \d+ blobs\n$/)
    expect((await dray('prune')).stdout).toBe(dry.stdout.replace('would free', 'freed'))
    expect((await dray('prune', '--grace', '0', '--json')).result).toMatchObject({ ok: true, removedBlobs: 1, removedBytes: 2048, youngBlobs: 0, missingBlobs: 0, graceMs: 0 })
  })

  test('with forget in one go, shown beforehand', async () => {
    for (const day of ['01', '02']) await make(`web-${day}`)
    const old = new Date(0)
    for (const name of await readdir(repository.paths.blobs)) await utimes(join(repository.paths.blobs, name), old, old)
    const dry = (await dray('forget', '--keep-last', '1', '--prune', '--dry-run', '--json')).result
    const { result } = await dray('forget', '--keep-last', '1', '--prune', '--json')
    expect(dry).toMatchObject({ wouldForget: ['web-01'], pruned: { missingBlobs: 0 } })
    expect(result).toMatchObject({ forgotten: ['web-01'] })
    const { removedBytes: wouldFree } = dry['pruned'] as { removedBytes: number }
    const { removedBytes: freed } = result['pruned'] as { removedBytes: number }
    expect(freed).toBeGreaterThan(20_000)
    // The index of the forgotten backup goes with the backup itself.
    expect(wouldFree - freed).toBeGreaterThan(0)
    expect(wouldFree - freed).toBeLessThan(3000)
  })

  test('an older list that was put back costs nothing: exit 3, the way out, and after it all is well', async () => {
    await make('web-01')
    const old = await readFile(repository.paths.index)
    for (const day of ['02', '03', '04']) await make(`web-${day}`)
    await writeFile(repository.paths.index, old)
    await loose('a', 4096, 3 * 86_400_000)
    const dry = await dray('prune', '--grace', '0', '--dry-run')
    expect(dry).toMatchObject({ exitCode: 3, stdout: expect.stringContaining('would free: 4.0 KiB in 1 blob\n') })
    const pruned = await dray('prune', '--grace', '0')
    expect(pruned).toMatchObject({ exitCode: 3, stdout: dry.stdout.replace('would free', 'freed') })
    expect(pruned.stderr).toMatch(/^dray: warning: the list is an older one: 3 backups are stored and not on it, and nothing of them was removed: (?:"web-0[234]"(?:, )?){3} \(back on the list: dray doctor --repair\)$/m)
    await make('web-05')
    const { exitCode, result } = await dray('forget', '--keep-last', '1', '--prune', '--grace', '0', '--json')
    expect({ exitCode, result }).toMatchObject({ exitCode: 3, result: { forgotten: ['web-01'], pruned: { unlisted: expect.arrayContaining(['web-02', 'web-03', 'web-04']) } } })
    const repaired = await run(process.execPath, [program, 'doctor', '--repair'], { env: env() })
    expect(repaired).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('1 backup kept, 3 backups added') })
    expect(await ids()).toEqual(['web-02', 'web-03', 'web-04', 'web-05'])
    expect((await run(process.execPath, [program, 'verify'], { env: env() })).exitCode).toBe(0)
    expect(await dray('prune', '--grace', '0')).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining('warning') })
  })

  test('a blob that is missing is said', async () => {
    await make('web-01')
    const { layers } = JSON.parse((await repository.blobs.read((await readBackup(repository.blobs, (await listBackups(repository))[0]!.descriptor)).mounts[0]!.parts[0]!.digest)).toString()) as { layers: { digest: `sha256:${string}` }[] }
    await rm(repository.blobs.pathOf(layers[0]!.digest))
    expect(await dray('prune')).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('dray: warning: 1 blob that backups need is missing') })
  })
})

describe('the lock', () => {
  const record = (more: object = {}) => JSON.stringify({ kind: 'shared', command: 'dray backup web', since: '2026-11-27T03:00:00.000Z', owner: { ...thisProcess(), ...more } })

  test.each([[['prune']], [['forget', '--keep-last', '1']], [['forget', 'web-01', '-y']]])('dray %j waits, says for whom, and is exit 31 when the wait is over', async args => {
    await make('web-01')
    await make('web-02')
    await mkdir(repository.paths.locks, { recursive: true })
    await writeFile(join(repository.paths.locks, 'other.json'), record({ host: 'backup2', pid: 42 }))
    const { exitCode, stdout, stderr } = await dray(...args, '--wait', '1s')
    expect({ exitCode, stdout }).toEqual({ exitCode: 31, stdout: '' })
    expect(stderr).toContain('dray: waiting up to 1.0 s for "dray backup web" on host "backup2" (process 42, since 2026-11-27T03:00:00.000Z)\n')
    expect(stderr).toContain('is locked by "dray backup web" on host "backup2" (process 42, since 2026-11-27T03:00:00.000Z)\n')
    expect(await ids()).toHaveLength(2)
    expect((await dray(...args, '--dry-run')).exitCode).toBe(0)
  })

  test('of a process that was killed holds nobody up', async () => {
    await make('web-01')
    const child = spawn('sleep', ['1000'])
    await mkdir(repository.paths.locks, { recursive: true })
    await writeFile(join(repository.paths.locks, 'other.json'), record({ pid: child.pid }))
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await dray('prune', '--wait', '0')).toMatchObject({ exitCode: 0 })
  })
})

test('list shows how old each is', async () => {
  await make('web-01')
  await backUp(repository, noise(10), { id: 'now', created: new Date().toISOString() })
  expect((await dray('list')).stdout).toMatch(/^BACKUP +CREATED +AGE +HOST .*\nweb-01 .* \d+ (h|d|mo|y)  here .*\nnow .* 0 min  here /)
})
