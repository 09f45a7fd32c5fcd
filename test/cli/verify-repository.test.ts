import '../one-realm.ts'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { readBackup } from '../../src/store/backup-graph.ts'
import { hexOf } from '../../src/store/digest.ts'
import type { Digest } from '../../src/store/oci.ts'
import { run } from '../lab/command.ts'
import { backUpTree, layerOf, makeTree, type TreeBackup } from '../unit/integrity/tree-backup.ts'
import { scratch, type Scratch } from '../unit/store/scratch.ts'

const dray = fileURLToPath(new URL('../../../bin/dray.js', import.meta.url))
let at: Scratch
let backup: TreeBackup
let pruned: Scratch

beforeAll(async () => {
  at = await scratch()
  await using repository = await at.open()
  backup = await backUpTree(repository, await makeTree(), layerOf('file'), { id: 'night-1' })
  pruned = await scratch()
  const other = await pruned.open()
  await other.lock('exclusive', { command: 'prune' })
  await other.close()
})
afterAll(async () => {
  await pruned[Symbol.asyncDispose]()
  await at[Symbol.asyncDispose]()
})

const cli = (...args: string[]) => run(process.execPath, [dray, 'verify', ...args], { cwd: at.folder, env: { PATH: process.env['PATH'], HOME: at.folder, DRAY_REPO: at.path } })

test.each([[[]], [['night-1']], [['night', '--deep']], [['latest', 'web']], [['latest', '--quick']], [['repo']], [['./repo', '--sample', '50%']], [['--sample', '5']]])('verify %j is valid', async args => {
  const { exitCode, stdout, stderr } = await cli(...args)
  expect({ exitCode, stderr: stderr.replace(/^dray: .* in .*$/gm, '').trim() }).toEqual({ exitCode: 0, stderr: '' })
  expect(stdout).toMatch(/^(?:repository|backup) .*1 backup, \d+ blobs[^]*\n\nVALID: the backup is whole/)
})

test.each<[string[], number, string]>([
  [['night-2'], 11, 'there is no file or directory "night-2", and no such backup'],
  [['no/such.tar'], 11, 'there is no file or directory "no/such.tar"'],
  [['latest', 'other'], 11, 'there is no backup of container "other"'],
  [['-r', 'nowhere'], 11, 'there is no repository in'],
  [['--quick', '--deep'], 2, 'either --quick or --deep'],
  [['--sample', 'many'], 2, '"many" is no share of the data'],
  [['--sample', '0%'], 2, '"0%" is no share of the data'],
  [['--quick', '--sample', '5%'], 2, '--quick reads no data'],
  [['repo/index.json', '--deep'], 2, '--deep is for backups and repositories'],
  [['repo', 'web'], 2, 'unknown argument "web"'],
])('verify %j', async (args, exitCode, message) => {
  expect(await cli(...args)).toMatchObject({ exitCode, stdout: '', stderr: expect.stringContaining(`dray: error: ${message}`) })
})

test('a newer format is 21', async () => {
  const config = join(at.path, 'drayage/config.json')
  const before = await readFile(config, 'utf8')
  await writeFile(config, before.replace('"format": 1', '"format": 2'))
  expect(await cli()).toMatchObject({ exitCode: 21, stderr: expect.stringContaining('update dray') })
  await writeFile(config, before)
})

test('a repository that is being pruned is 31', async () => {
  expect(await cli('-r', pruned.path, '--wait', '0')).toMatchObject({ exitCode: 31, stderr: expect.stringContaining('is locked by "prune"') })
}, 30_000)

test('what is damaged is told to people and to machines alike, and moved aside once', async () => {
  const { chunks } = backup.content
  const { digest } = chunks[Math.floor(chunks.length * 0.65)]! // of the large file
  const chunk = join(at.path, 'blobs/sha256', hexOf(digest))
  const bytes = await readFile(chunk)
  await writeFile(chunk, Buffer.concat([bytes.subarray(0, -1), Buffer.from([bytes.at(-1)! ^ 1])]))
  const told = await cli('--no-repair')
  expect(told).toMatchObject({ exitCode: 20 })
  expect(told.stdout).toContain(`error blob-differs "${digest}": a blob does not have the content that its name says\n`)
  expect(told.stdout).toMatch(/backup night-1 of web, .*, is hurt\. Lost:\n {2}mount data: files and other entries \(\d+\)\n {4}\.\//)
  expect(told.stdout).toMatch(/DAMAGED: 0 backups are whole, 1 is hurt\nnext: dray backup web[^]*dray restore night-1 --skip-damaged$/m)
  const lines = (await cli('--json')).stdout.trimEnd().split('\n')
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ event: 'result', ok: false, exitCode: 20, verdict: 'damaged', errors: 1, movedAside: [digest], backups: [{ id: 'night-1', whole: false, losses: expect.arrayContaining([expect.objectContaining({ what: 'mount', name: 'data', lost: 'files and other entries' })]) }] })
  expect(await cli('--quick')).toMatchObject({ exitCode: 20, stdout: expect.stringContaining('error blob-missing') })
  await rm(join(at.path, 'index.json'))
  expect(await cli()).toMatchObject({ exitCode: 20, stdout: expect.stringContaining('dray doctor --repair builds it again') })
})

test.each<[string, (files: { spec: string; index: string; part: string }) => string, string[], string[]]>([
  ['the spec', ({ spec }) => spec, ['  container web: its spec', 'next: dray backup web,', 'its data is there all the same: dray ls night-1'], ['--skip-damaged']],
  ['the index of a backup', ({ index }) => index, ['  its index: what it held', 'next: dray backup web,', 'of night-1 nothing can be had any more: docs/recovery-by-hand.md, or dray forget night-1'], ['--skip-damaged', 'dray ls']],
  ['the list of the chunks', ({ part }) => part, ['  mount /data of web: the list of its chunks: all of its data', 'dray restore night-1 --skip-damaged'], []],
])('where %s is lost, what is said to do next can be done', async (_, choose, said, notSaid) => {
  await using other = await scratch()
  await using repository = await other.open()
  const { summary } = await backUpTree(repository, await makeTree(), layerOf('file'), { id: 'night-1' })
  const { containers, mounts } = await readBackup(repository.blobs, summary.descriptor)
  await rm(join(other.path, 'blobs/sha256', hexOf(choose({ spec: containers[0]!.manifest.digest, index: summary.descriptor.digest, part: mounts[0]!.parts[0]!.digest }) as Digest)))
  const { exitCode, stdout } = await cli('-r', other.path)
  expect(exitCode).toBe(20)
  for (const text of said) expect(stdout).toContain(text)
  for (const text of notSaid) expect(stdout).not.toContain(text)
})

test('a backup after which there is one that is whole is not asked for again', async () => {
  await using other = await scratch()
  await using repository = await other.open()
  const { summary } = await backUpTree(repository, await makeTree(), layerOf('file'), { id: 'night-1', created: '2026-01-01T00:00:00.000Z' })
  await backUpTree(repository, await makeTree(), layerOf('file'), { id: 'night-2', created: '2026-01-02T00:00:00.000Z', containers: [{ name: 'web', spec: { format: 1, inspect: { other: true }, images: [], mounts: [] } }] })
  const { containers } = await readBackup(repository.blobs, summary.descriptor)
  await rm(join(other.path, 'blobs/sha256', hexOf(containers[0]!.manifest.digest)))
  const { stdout } = await cli('-r', other.path)
  expect(stdout).toContain('\nDAMAGED: 1 backup is whole, 1 is hurt\n')
  expect(stdout).toContain('\na newer backup of web is whole: when night-1 is not needed any more, dray forget night-1\n')
  expect(stdout).not.toContain('next: dray backup')
})

test('what is wrong with the list alone is put right by doctor, and said so', async () => {
  await using other = await scratch()
  await using repository = await other.open()
  await backUpTree(repository, await makeTree(), layerOf('file'), { id: 'night-1' })
  const list = await readFile(repository.paths.index, 'utf8')
  await repository.close()
  for (const broken of [list.replace('"night-1"', '"night-7"'), list.slice(0, 100)]) {
    await writeFile(repository.paths.index, broken)
    const { exitCode, stdout } = await cli('-r', other.path)
    expect([exitCode, stdout]).toEqual([20, expect.stringMatching(/\nnext: dray doctor --repair\n$/)])
    expect(stdout).not.toContain('--skip-damaged')
  }
  await writeFile(repository.paths.index, list.replace('"night-1"', '"night-7"'))
  expect(await run(process.execPath, [dray, 'doctor', '--repair', '-r', other.path], { env: { PATH: process.env['PATH'], HOME: at.folder } })).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('backup night-1: what index.json said of it was wrong, and is taken from the backup') })
  expect((await cli('-r', other.path)).exitCode).toBe(0)
})
