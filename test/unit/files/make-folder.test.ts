import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { makeFolder } from '../../../src/files/make-folder.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dray-folders-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

describe('makeFolder', () => {
  test('makes what is missing, for its owner alone, and says where it began', async () => {
    expect(await makeFolder(join(folder, 'a/b/c'))).toBe(join(folder, 'a'))
    expect((await stat(join(folder, 'a/b'))).mode & 0o777).toBe(0o700)
    expect(await makeFolder(join(folder, 'a/b/d'))).toBe(join(folder, 'a/b/d'))
    expect(await makeFolder(join(folder, 'a/b'))).toBeUndefined()
  })

  test('ends where nothing can be made', async () => {
    await writeFile(join(folder, 'file'), '')
    await expect(makeFolder('/proc/nope')).rejects.toMatchObject({ code: 'unauthorized', message: expect.stringContaining('"/proc"') })
    await expect(makeFolder('/proc/nope/deep/er')).rejects.toMatchObject({ code: 'unauthorized' })
    await expect(makeFolder(join(folder, 'file'))).rejects.toMatchObject({ code: 'EEXIST' })
    await expect(makeFolder(join(folder, 'file/below'))).rejects.toMatchObject({ code: 'ENOTDIR' })
    await expect(makeFolder('/dev/null/x')).rejects.toMatchObject({ code: 'ENOTDIR' })
  })
})
