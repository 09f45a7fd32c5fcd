import '../one-realm.ts'
import { spawnSync } from 'node:child_process'
import { chownSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { hexOf } from '../../src/store/digest.ts'
import { readBackup, readMount } from '../../src/store/backup-graph.ts'
import { findBackup } from '../../src/store/backup-list.ts'
import { ChunkReader } from '../../src/store/chunk-reader.ts'
import { findTocEntry } from '../../src/store/toc.ts'
import { backUpFolders } from '../trees/stored-folder.ts'
import { snapshotTree } from '../trees/snapshot-tree.ts'
import { lookLab, makeOddFolder, oddName, type LookLab } from './look-lab.ts'

let lab: LookLab
let out: string
const isRoot = process.getuid?.() === 0

beforeAll(async () => {
  lab = await lookLab()
  const data = join(lab.folder, 'data')
  makeOddFolder(data)
  spawnSync('setfattr', ['-n', 'user.note', '-v', 'kept', join(data, 'conf', 'app.conf')])
  if (isRoot) chownSync(join(data, 'conf', 'app.conf'), 1234, 4321)
  await using repository = await lab.open()
  await backUpFolders(repository, [{ folder: data, id: 'm1', source: 'data', destination: '/var/lib/data' }], { id: 'night-1' })
})
afterAll(async () => {
  await lab[Symbol.asyncDispose]()
})
beforeEach(() => {
  out = join(lab.folder, 'out')
  rmSync(out, { recursive: true, force: true })
})

const extract = (...args: string[]) => lab.dray('extract', ...args)
const left = (): string[] => readdirSync(lab.folder).concat(readdirSync(out)).filter(name => name.startsWith('.dray'))

test('all of a volume comes back as it was: owners, modes, times, links, holes, odd names, attributes', async () => {
  const ended = await extract('latest:data', '-o', 'out')
  expect(ended).toMatchObject({ exitCode: 0, stdout: 'extracted 17 entries, 3.0 MiB, into out\n' })
  expect(snapshotTree(out)).toEqual(snapshotTree(join(lab.folder, 'data')))
  expect(lstatSync(join(out, 'large')).ino).toBe(lstatSync(join(out, 'z-other-name')).ino)
  expect(lstatSync(join(out, 'sparse')).blocks).toBeLessThan(1000)
  expect(left()).toEqual([])
})

test('a folder, a file, a pattern: each under its own name', async () => {
  expect((await extract('latest:data/conf', 'latest:data/private/tool', 'latest:data/odd\\xff\\x0a\\\\', '-o', 'out')).exitCode).toBe(0)
  expect(readdirSync(out, { encoding: 'buffer' }).map(String).sort()).toEqual(['conf', oddName.toString(), 'tool'].sort())
  expect(readdirSync(join(out, 'conf', 'sites'))).toEqual(['a.conf', 'b.txt'])
  expect(lstatSync(join(out, 'tool')).mode & 0o7777).toBe(0o4755)
  expect(lstatSync(join(out, 'conf', 'app.conf')).mtimeMs).toBe(1_700_000_000_000)
  expect((await extract('latest:data/**/*.txt', '-o', 'out')).exitCode).toBe(0)
  expect(readFileSync(join(out, 'b.txt'), 'utf8')).toBe('b\n')
})

test('another name of a file brings its content along, into a folder and into a tar', async () => {
  expect((await extract('latest:data/z-other-name', '-o', 'out')).exitCode).toBe(0)
  expect(readdirSync(out)).toEqual(['z-other-name'])
  expect(readFileSync(join(out, 'z-other-name'), 'utf8')).toBe(Buffer.alloc(100_000, 'large content ').toString())
  const { stdout } = spawnSync('sh', ['-c', `"$0" "$1" extract latest:data/z-other-name latest:data/conf -o - | tar --list`, process.execPath, new URL('../../../bin/dray.js', import.meta.url).pathname], { cwd: lab.folder, env: { PATH: process.env['PATH'], HOME: lab.folder, DRAY_REPO: lab.path } })
  expect(stdout.toString().trimEnd().split('\n')).toEqual(['./conf/', './conf/app.conf', './conf/sites/', './conf/sites/a.conf', './conf/sites/b.txt', './large', './z-other-name'])
})

test('what is there is kept, all of it named and nothing written; --force replaces files, and only those', async () => {
  mkdirSync(join(out, 'conf', 'sites'), { recursive: true })
  writeFileSync(join(out, 'conf', 'app.conf'), 'mine\n')
  writeFileSync(join(out, 'conf', 'own'), 'own\n')
  const refused = await extract('latest:data/conf', '-o', 'out')
  expect(refused).toMatchObject({ exitCode: 12, stdout: '' })
  expect(refused.stderr).toMatch(/nothing was written into "[^"]*out": these are there already:?\s*(?:- )?"conf\/app\.conf"/)
  expect([readFileSync(join(out, 'conf', 'app.conf'), 'utf8'), readdirSync(join(out, 'conf', 'sites'))]).toEqual(['mine\n', []])
  expect((await extract('latest:data/conf', '-o', 'out', '--force')).exitCode).toBe(0)
  expect(['app.conf', 'own', 'sites/a.conf'].map(name => readFileSync(join(out, 'conf', name), 'utf8'))).toEqual(['port = 80\n', 'own\n', 'a\n'])
  expect(left()).toEqual([])
})

test.each([[[]], [['--force']]])('nothing is written through a symbolic link, %j', async more => {
  mkdirSync(join(lab.folder, 'elsewhere'), { recursive: true })
  writeFileSync(join(lab.folder, 'elsewhere', 'file'), 'untouched\n')
  mkdirSync(out)
  symlinkSync(join(lab.folder, 'elsewhere'), join(out, 'conf'))
  symlinkSync(join(lab.folder, 'elsewhere', 'file'), join(out, 'conf-d'))
  expect(await extract('latest:data/conf', '-o', 'out', ...more)).toMatchObject({ exitCode: 12 })
  const { exitCode } = await extract('latest:data/conf-d', '-o', 'out', ...more)
  expect(exitCode).toBe(more.length === 0 ? 12 : 0)
  expect([readdirSync(join(lab.folder, 'elsewhere')), readFileSync(join(lab.folder, 'elsewhere', 'file'), 'utf8')]).toEqual([['file'], 'untouched\n'])
  if (exitCode === 0) expect(lstatSync(join(out, 'conf-d')).isFile()).toBe(true)
})

test.each<[string[], number, string]>([
  [['latest:data/nothing', '-o', 'out'], 11, 'holds no "nothing"'],
  [['latest:data/*.none', '-o', 'out'], 11, 'nothing matches "*.none"'],
  [['latest:data/conf', 'latest:data/link-to-conf/../conf/sites', 'latest:data', '-o', 'out'], 0, ''],
  [['latest:data/conf/sites', 'latest:data', '-o', 'out', '--into', 'web:/x'], 2, 'either --output or --into'],
  [['latest:data', '--into', 'web'], 2, '"web" is not CONTAINER:/PATH'],
  [['latest:data', '-o', 'data/conf-d'], 12, 'is not a folder'],
  [['latest:data', '-o', '-', '--json'], 2, 'the tar goes to stdout'],
])('extract %j', async (args, exitCode, message) => {
  const ended = await extract(...args)
  expect(ended.exitCode).toBe(exitCode)
  expect(ended.stderr).toContain(message)
  if (exitCode !== 0) expect(readdirSync(lab.folder)).not.toContain('out')
})

test('--dry-run and --json', async () => {
  expect(await extract('latest:data/conf', '-o', 'out', '--dry-run')).toMatchObject({ exitCode: 0, stdout: 'would extract 5 entries, 14 B, into out\n' })
  expect(readdirSync(lab.folder)).not.toContain('out')
  expect(JSON.parse((await extract('latest:data/conf', '-o', 'out', '--json')).stdout.trimEnd().split('\n').at(-1)!)).toMatchObject({ event: 'result', ok: true, into: 'out', entries: 5, bytes: 14, problems: [], lost: [] })
})

test('what is damaged is 20 and leaves nothing; --skip-damaged brings the rest and names it', async () => {
  await using repository = await lab.open()
  await backUpFolders(repository, [{ folder: join(lab.folder, 'data'), id: 'm1', source: 'data', destination: '/var/lib/data' }], { id: 'night-2' })
  const [mount] = (await readBackup(repository.blobs, (await findBackup(repository, 'night-2')).descriptor)).mounts
  const { content } = await readMount(repository.blobs, mount!)
  const large = await findTocEntry(new ChunkReader(repository.blobs), content.toc, Buffer.from('./large'))
  let at = 0
  const chunk = content.chunks.find(({ length }) => (at += length) > large!.offset + 50_000)!
  const blob = join(lab.path, 'blobs/sha256', hexOf(chunk.digest))
  const bytes = readFileSync(blob)
  writeFileSync(blob, Buffer.concat([bytes.subarray(0, -1), Buffer.from([bytes.at(-1)! ^ 1])]))
  try {
    expect(await extract('night-2:data', '-o', 'out')).toMatchObject({ exitCode: 20, stdout: '' })
    expect(readdirSync(lab.folder)).not.toContain('out')
    expect((await extract('night-2:data/conf', '-o', 'out')).exitCode).toBe(0)
    rmSync(out, { recursive: true })
    const skipped = await extract('night-2:data', '-o', 'out', '--skip-damaged')
    expect(skipped.exitCode).toBe(3)
    expect(skipped.stderr).toContain('lost: "./large": its data')
    expect(skipped.stderr).toContain('lost: "./z-other-name": the file that it is another name of')
    expect(readdirSync(out)).toEqual(expect.arrayContaining(['conf', 'sparse']))
    expect(readdirSync(out)).not.toContain('large')
  } finally {
    writeFileSync(blob, bytes)
  }
})

test('data is there without the spec, which is told', async () => {
  await using repository = await lab.open()
  await backUpFolders(repository, [{ folder: join(lab.folder, 'data'), id: 'm1', source: 'data', destination: '/var/lib/data' }], { id: 'night-3', created: '2020-01-01T00:00:00.000Z' })
  const { containers } = await readBackup(repository.blobs, (await findBackup(repository, 'night-3')).descriptor)
  const blob = join(lab.path, 'blobs/sha256', hexOf(containers[0]!.manifest.digest))
  const bytes = readFileSync(blob)
  rmSync(blob)
  try {
    const { exitCode, stderr } = await extract('night-3:data/conf', '-o', 'without-spec')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.stringMatching(/^dray: warning: the spec of "[^"]+" in backup night-3 cannot be read: blob "sha256:/) })
    expect(readdirSync(lab.folder)).toContain('without-spec')
  } finally {
    writeFileSync(blob, bytes)
  }
})

test('a mount whose list of chunks is lost is there, and damaged', async () => {
  await using repository = await lab.open()
  await backUpFolders(repository, ['m1', 'm2'].map(id => ({ folder: join(lab.folder, 'data'), id, source: `of-${id}`, destination: `/var/${id}` })), { id: 'night-4', created: '2020-01-01T00:00:00.000Z' })
  const { mounts } = await readBackup(repository.blobs, (await findBackup(repository, 'night-4')).descriptor)
  const blob = join(lab.path, 'blobs/sha256', hexOf(mounts[0]!.parts[0]!.digest))
  const bytes = readFileSync(blob)
  rmSync(blob)
  try {
    expect(await extract('night-4:of-m1', '-o', 'without-list')).toMatchObject({ exitCode: 20, stderr: expect.stringContaining('dray: error: backup "night-4" holds no mount "of-m1", unless it is one that cannot be read any more: m1\ndray: hint: what is lost: dray verify night-4\n') })
    expect((await extract('night-4:of-m2/conf', '-o', 'with-list')).exitCode).toBe(0)
    expect(await lab.dray('ls', 'night-4')).toMatchObject({ exitCode: 20, stdout: expect.stringMatching(/ of-m2 [^]*\nnot to be read any more: mount m1$/m) })
  } finally {
    writeFileSync(blob, bytes)
  }
})
