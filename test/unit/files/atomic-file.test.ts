import '../../one-realm.ts'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { writeFileAtomically } from '../../../src/files/atomic-file.ts'
import { makePrivateTempDir } from '../../../src/files/private-temp-dir.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dray-atomic-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('the file is there with its content and mode 0600, and nothing else', async () => {
  const path = join(folder, 'a')
  await writeFileAtomically(path, 'one')
  await writeFileAtomically(path, async file => {
    await file.writeFile('two')
  })
  expect(await readFile(path, 'utf8')).toBe('two')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await readdir(folder)).toEqual(['a'])
})

test('a writer that throws leaves the old file and no temporary one', async () => {
  const path = join(folder, 'a')
  await writeFile(path, 'old')
  const writing = writeFileAtomically(path, async file => {
    await file.writeFile('half')
    throw new Error('the source broke')
  })
  await expect(writing).rejects.toThrow('the source broke')
  expect(await readFile(path, 'utf8')).toBe('old')
  expect(await readdir(folder)).toEqual(['a'])
})

test('keepExisting refuses a file that is there', async () => {
  const path = join(folder, 'a')
  await writeFileAtomically(path, 'first', { keepExisting: true })
  await expect(writeFileAtomically(path, 'second', { keepExisting: true })).rejects.toMatchObject({ code: 'conflict' })
  expect(await readFile(path, 'utf8')).toBe('first')
  expect(await readdir(folder)).toEqual(['a'])
})

test('a missing folder is an error that names the file', async () => {
  await expect(writeFileAtomically(join(folder, 'no', 'a'), 'x')).rejects.toMatchObject({ code: 'not-found', message: `cannot write "${folder}/no/a": no such file or directory` })
})

test('a private folder is 0700 and goes with all that is in it', async () => {
  const dir = await makePrivateTempDir(folder)
  await writeFile(join(dir.path, 'secret'), 'x')
  expect((await stat(dir.path)).mode & 0o777).toBe(0o700)
  await dir.remove()
  expect(await readdir(folder)).toEqual([])
})
