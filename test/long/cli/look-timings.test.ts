import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { openRepository } from '../../../src/store/repository.ts'
import { lookLab, type LookLab } from '../../cli/look-lab.ts'
import { backUpFolders } from '../../trees/stored-folder.ts'

const folders = 100
const filesIn = 1000
const fileBytes = 20_000
let lab: LookLab

beforeAll(async () => {
  lab = await lookLab()
  for (let folder = 0; folder < folders; folder++) {
    const path = join(lab.folder, 'data', `dir-${String(folder).padStart(3, '0')}`, 'sub')
    mkdirSync(path, { recursive: true })
    for (let file = 0; file < filesIn; file++) writeFileSync(join(path, `file-${String(file).padStart(4, '0')}`), randomBytes(fileBytes))
  }
  await using repository = await openRepository(join(lab.folder, 'big'), { create: true })
  await backUpFolders(repository, [{ folder: join(lab.folder, 'data'), id: 'm1', source: 'data', destination: '/data' }], { id: 'night-1' })
}, 900_000)
afterAll(async () => {
  await lab[Symbol.asyncDispose]()
}, 120_000)

/** The shortest of several times, from the start of the program to its end. */
async function best(...args: readonly string[]): Promise<{ readonly ms: number; readonly lines: number }> {
  let ms = Infinity
  let lines = 0
  for (let time = 0; time < 5; time++) {
    const startedAt = performance.now()
    const { exitCode, stdout } = await lab.dray(...args, '-r', join(lab.folder, 'big'))
    expect(exitCode).toBe(0)
    lines = stdout.split('\n').length - 1
    ms = Math.min(ms, performance.now() - startedAt)
  }
  return { ms, lines }
}

test.each<[string[], number]>([
  [['ls', 'night-1:data', '-R'], folders * (filesIn + 2)],
  [['ls', 'night-1:data/dir-050/sub'], filesIn],
  [['ls', 'night-1:data'], folders],
  [['find', 'file-0999'], folders],
  [['extract', 'night-1:data/dir-050/sub/file-0500', '-o', '.', '--force'], 1],
])('a mount of 100,000 files: %j takes less than a second', async (args, expected) => {
  const { ms, lines } = await best(...args)
  expect(lines).toBe(expected)
  expect(ms).toBeLessThan(1000)
}, 60_000)

test('one file out of it is there within a second', async () => {
  const startedAt = performance.now()
  const { stdout } = await lab.dray('cat', 'night-1:data/dir-099/sub/file-0001', '-r', join(lab.folder, 'big'))
  expect(stdout.length).toBeGreaterThan(0)
  expect(performance.now() - startedAt).toBeLessThan(1000)
}, 60_000)
