import { randomBytes } from 'node:crypto'
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { openRepository } from '../../../src/store/repository.ts'
import { lookLab, type LookLab } from '../../cli/look-lab.ts'
import { backUpFolders } from '../../trees/stored-folder.ts'

const folders = 100
const filesIn = 1000
const fileBytes = 100_000
const changed = ['dir-000', 'dir-050', 'dir-099']
let lab: LookLab

/** Two backups of 10 GB in 100,000 files that nothing compresses; of the second three files are longer. */
beforeAll(async () => {
  lab = await lookLab()
  const { bavail, bsize } = await statfs(lab.folder)
  if (bavail * bsize < 25e9) throw new Error(`"${lab.folder}" has ${Math.floor((bavail * bsize) / 1e9)} GB of space: this takes 25`)
  const data = join(lab.folder, 'data')
  for (let folder = 0; folder < folders; folder++) {
    const path = join(data, `dir-${String(folder).padStart(3, '0')}`, 'sub')
    mkdirSync(path, { recursive: true })
    for (let file = 0; file < filesIn; file++) writeFileSync(join(path, `file-${String(file).padStart(4, '0')}`), randomBytes(fileBytes))
  }
  await using repository = await openRepository(join(lab.folder, 'big'), { create: true })
  const mount = { folder: data, id: 'm1', source: 'data', destination: '/data' }
  await backUpFolders(repository, [mount], { id: 'night-1', containers: [] })
  for (const folder of changed) appendFileSync(join(data, folder, 'sub/file-0500'), 'more')
  await backUpFolders(repository, [mount], { id: 'night-2', containers: [] })
  rmSync(data, { recursive: true })
}, 900_000)
afterAll(async () => {
  await lab[Symbol.asyncDispose]()
}, 120_000)

/** The shortest of several times, from the start of the program to its end. */
async function best(args: readonly string[]): Promise<{ readonly ms: number; readonly stdout: string }> {
  let ms = Infinity
  let said = ''
  for (let time = 0; time < 5; time++) {
    const startedAt = performance.now()
    const { exitCode, stdout, stderr } = await lab.dray(...args, '-r', join(lab.folder, 'big'))
    ms = Math.min(ms, performance.now() - startedAt)
    expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' })
    said = stdout
  }
  return { ms, stdout: said }
}

test.each<[string[], number]>([
  [['ls', 'night-1:data', '-R'], folders * (filesIn + 2)],
  [['ls', 'night-1:data/dir-050/sub'], filesIn],
  [['ls', 'night-1:data'], folders],
  [['ls', 'night-1:data/**/file-0999'], folders],
  [['ls', 'night-1:data/dir-05?/sub/*9'], 10 * (filesIn / 10)],
  [['find', 'file-0999'], 2 * folders],
  [['find', '*-0999'], 2 * folders],
  [['extract', 'night-1:data/dir-050/sub/file-0500', '-o', '.', '--force'], 1],
])('10 GB in 100,000 files: %j takes less than a second', async (args, lines) => {
  const { ms, stdout } = await best(args)
  expect(stdout.split('\n').length - 1).toBe(lines)
  expect(ms).toBeLessThan(1000)
}, 60_000)

test('what differs between two of them is known within a second', async () => {
  const { ms, stdout } = await best(['diff', 'night-1', 'night-2'])
  expect(changed.filter(folder => stdout.includes(`${folder}/sub/file-0500`))).toEqual(changed)
  expect(ms).toBeLessThan(1000)
}, 60_000)

test('one file out of it is there within a second', async () => {
  const { ms, stdout } = await best(['cat', 'night-1:data/dir-099/sub/file-0001'])
  expect(stdout.length).toBeGreaterThan(0)
  expect(ms).toBeLessThan(1000)
}, 60_000)
