import '../../one-realm.ts'
import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { thisProcess, toOwnerToken } from '../../../src/files/owner.ts'
import { initRepository, openRepository } from '../../../src/store/repository.ts'
import { repairLayout } from '../../../src/store/repair.ts'
import { noise } from './scratch.ts'

let folder = ''
let path = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dray-repo-'))
  path = join(folder, 'deep', 'repo')
})
afterEach(() => rm(folder, { recursive: true }))

test('create makes an OCI layout, folders 0700 and files 0600', async () => {
  const first = await openRepository(path, { create: true })
  const second = await openRepository(path, { create: true })
  expect(second.config).toEqual(first.config)
  expect((await readdir(path)).sort()).toEqual(['blobs', 'drayage', 'index.json', 'oci-layout'])
  expect(JSON.parse(await readFile(join(path, 'oci-layout'), 'utf8'))).toEqual({ imageLayoutVersion: '1.0.0' })
  const modes = spawnSync('find', [path, '-printf', '%y%m\\n']).stdout.toString().trim().split('\n')
  expect(new Set(modes)).toEqual(new Set(['d700', 'f600']))
})

test('many creating at once make one repository', async () => {
  const opened = await Promise.all(Array.from({ length: 8 }, () => openRepository(path, { create: true })))
  expect(new Set(opened.map(({ config }) => config.id)).size).toBe(1)
})

test('nothing is written into a directory that holds other things', async () => {
  await mkdir(path, { recursive: true })
  await writeFile(join(path, 'thesis.txt'), 'x')
  await expect(openRepository(path, { create: true })).rejects.toMatchObject({ code: 'conflict', hints: [expect.stringContaining('--repo')] })
  await expect(openRepository(path, { create: false })).rejects.toMatchObject({ code: 'not-found' })
  expect(await readdir(path)).toEqual(['thesis.txt'])
})

test('another OCI layout is not taken for a repository', async () => {
  await mkdir(join(path, 'blobs', 'sha256'), { recursive: true })
  await writeFile(join(path, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  await expect(openRepository(path, { create: true })).rejects.toMatchObject({ code: 'conflict' })
  expect((await readdir(path)).sort()).toEqual(['blobs', 'oci-layout'])
})

test('missing, a file, a newer format, a broken config', async () => {
  await expect(openRepository(path, { create: false })).rejects.toMatchObject({ code: 'not-found', message: `there is no repository in "${path}"` })
  const file = join(folder, 'file')
  await writeFile(file, '')
  await expect(openRepository(file, { create: true })).rejects.toMatchObject({ exitCode: 12 })
  await initRepository(path)
  await writeFile(join(path, 'drayage', 'config.json'), '{"format":2}')
  await expect(openRepository(path, { create: true })).rejects.toMatchObject({ code: 'unverifiable', hints: [expect.stringContaining('update')] })
  await writeFile(join(path, 'drayage', 'config.json'), '{"format"')
  await expect(openRepository(path, { create: true })).rejects.toMatchObject({ code: 'damaged' })
})

test('a creation that was cut off is finished by the next', async () => {
  await initRepository(path)
  await rm(join(path, 'drayage', 'config.json'))
  await rm(join(path, 'oci-layout'))
  const repository = await openRepository(path, { create: true })
  expect(repository.config.format).toBe(1)
  expect((await stat(join(path, 'oci-layout'))).isFile()).toBe(true)
})

test('a lost or broken config is written again, and only where a repository was', async () => {
  const repository = await openRepository(path, { create: true })
  await repository.blobs.put(noise(10), 'x/y')
  await repository.blobs.flush()
  await repository.close()
  await rm(join(path, 'drayage', 'config.json'))
  await expect(openRepository(path, { create: true })).rejects.toMatchObject({ code: 'conflict' })
  await expect(openRepository(path, { create: false })).rejects.toMatchObject({ code: 'damaged' })
  await repairLayout(path)
  expect((await openRepository(path, { create: false })).config.format).toBe(1)
  await expect(repairLayout(folder)).rejects.toMatchObject({ code: 'not-found' })
})

test('temporary folders of dead runs go at the next open, others stay', async () => {
  const living = await openRepository(path, { create: true })
  const own = await living.temporaryFolder()
  const dead = own.replace(toOwnerToken(thisProcess()), toOwnerToken({ ...thisProcess(), startTime: '1' }))
  await mkdir(dead)
  await writeFile(join(dead, 'half'), 'x')
  await openRepository(path, { create: false })
  expect(await readdir(join(path, 'drayage', 'tmp'))).toHaveLength(1)
  await living.close()
  expect(await readdir(join(path, 'drayage', 'tmp'))).toEqual([])
})
