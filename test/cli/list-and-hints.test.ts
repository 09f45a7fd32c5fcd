import '../one-realm.ts'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { hexOf } from '../../src/store/digest.ts'
import { run } from '../lab/command.ts'
import { backUpTree, layerOf, makeTree, type TreeBackup } from '../unit/integrity/tree-backup.ts'
import { scratch, type Scratch } from '../unit/store/scratch.ts'

const dray = fileURLToPath(new URL('../../../bin/dray.js', import.meta.url))
let at: Scratch
let backup: TreeBackup

beforeAll(async () => {
  at = await scratch()
  await using repository = await at.open()
  backup = await backUpTree(repository, await makeTree(), layerOf('one'), { id: 'night-1', created: '2026-01-01T00:00:00.000Z' })
  await backUpTree(repository, await makeTree(), layerOf('two'), { id: 'night-2', created: '2026-01-02T00:00:00.000Z' })
})
afterAll(async () => {
  await at[Symbol.asyncDispose]()
})

const cli = (...args: string[]) => run(process.execPath, [dray, ...args], { cwd: at.folder, env: { PATH: process.env['PATH'], HOME: at.folder, XDG_STATE_HOME: at.folder, DRAY_REPO: at.path } })

test('"latest" is no name to forget, and the hint gives the one', async () => {
  expect(await cli('forget', 'latest')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('name it by its id\ndray: hint: the newest one: dray forget night-2\n') })
})

test('the name of a container in place of a backup: the hint gives its newest one, for every command', async () => {
  const [container = ''] = (JSON.parse((await cli('list', '--json')).stdout.trimEnd().split('\n').at(-1)!) as { backups: { containers: string[] }[] }).backups[0]!.containers
  for (const command of ['show', 'ls', 'verify']) expect(await cli(command, container)).toMatchObject({ exitCode: 11, stderr: expect.stringContaining(`hint: it is the name of a container, whose newest backup is night-2`) })
})

test('what is not found in mounts may have been written elsewhere in the container', async () => {
  expect(await cli('find', 'passwd')).toMatchObject({ exitCode: 11, stderr: expect.stringContaining('hint: volumes and bind mounts are searched; what a container wrote elsewhere lies in its image') })
})

test('a mistake in a job stops what needs the job alone', async () => {
  const config = join(at.folder, 'config.yaml')
  await writeFile(config, `repository: ${at.path}\njobs:\n  nightly:\n    al: true\n`)
  const configured = (...args: string[]) => run(process.execPath, [dray, ...args], { cwd: at.folder, env: { PATH: process.env['PATH'], HOME: at.folder, XDG_STATE_HOME: at.folder, DRAY_CONFIG: config } })
  expect(await configured('list')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('night-2'), stderr: '' })
  expect(await configured('backup', '--job', 'nightly')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('line 4: jobs.nightly: "al" is not a key') })
  await writeFile(config, 'repository: [\n')
  expect(await configured('list')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('config.yaml') })
})

test('a file in place of a repository is told from it', async () => {
  await writeFile(join(at.folder, 'web.tar'), 'x')
  expect(await cli('list', '-r', 'web.tar')).toMatchObject({ exitCode: 11, stderr: expect.stringMatching(/web\.tar" is a file, and a repository is a folder\ndray: hint: an exported file: dray import \S+web\.tar/) })
})

test('a repository that lies below the named folder is pointed at', async () => {
  expect(await cli('list', '-r', '.')).toMatchObject({ exitCode: 11, stderr: expect.stringContaining(`dray: hint: there is one in "${at.path}"`) })
  const { exitCode, stdout } = await cli('verify', '.')
  expect({ exitCode, last: stdout.trimEnd().split('\n').at(-1) }).toEqual({ exitCode: 21, last: 'a repository lies in it: dray verify repo' })
})

test('list shows which backups are hurt, when a check has moved what is damaged aside', async () => {
  expect((await cli('list')).stdout).not.toContain('STATE')
  const blob = join(at.path, 'blobs/sha256', hexOf(backup.content.chunks[1]!.digest))
  await writeFile(blob, 'damaged')
  expect(await cli('verify')).toMatchObject({ exitCode: 20 })
  const { exitCode, stdout, stderr } = await cli('list')
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: 'dray: warning: 1 backup lacks what a check found damaged: dray verify BACKUP says what\n' })
  expect(stdout).toMatch(/STATE[^]*night-1 .* damaged [^]*night-2 (?!.*damaged)/)
  const lines = (await cli('list', '--json')).stdout.trimEnd().split('\n')
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({ backups: [{ id: 'night-1', hurt: true }, { id: 'night-2', hurt: false }] })
  await rm(blob, { force: true })
})
