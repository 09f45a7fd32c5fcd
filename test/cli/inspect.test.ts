import '../one-realm.ts'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { layerOf } from '../unit/integrity/tree-backup.ts'
import { putSmallImage } from '../unit/store/scratch.ts'
import { backUpFolders } from '../trees/stored-folder.ts'
import { lookLab, type LookLab } from './look-lab.ts'

let lab: LookLab
const archive = (name: string) => fileURLToPath(new URL(`../../../fixtures/archives/${name}`, import.meta.url))

beforeAll(async () => {
  lab = await lookLab()
  mkdirSync(join(lab.folder, 'data'))
  copyFileSync(archive('config-history.tar'), join(lab.folder, 'image.tar'))
  spawnSync('gzip', ['--keep', join(lab.folder, 'image.tar')])
  await using repository = await lab.open()
  await backUpFolders(repository, [{ folder: join(lab.folder, 'data'), id: 'm1', source: 'data', destination: '/data' }], { id: 'night-1', images: [await putSmallImage(repository, layerOf('file'))] })
})
afterAll(async () => {
  await lab[Symbol.asyncDispose]()
})

test.each(['image.tar', './image.tar.gz'])('%s: layers with sizes and commands', async file => {
  const { exitCode, stdout, stderr } = await lab.dray('inspect', file)
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  expect(stdout).toMatch(/^image +\S[^]*\n\nLAYER +STORED +MADE BY\n/)
  const { images } = JSON.parse((await lab.dray('inspect', file, '--json')).stdout) as { images: { steps: object[]; names: string[] }[] }
  expect(images.length).toBeGreaterThan(0)
  expect(images[0]!.steps.length).toBeGreaterThan(0)
})

test('the images of a backup', async () => {
  const { exitCode, stdout } = await lab.dray('inspect', 'night-1')
  expect(exitCode).toBe(0)
  expect(stdout).toMatch(/^image +\(image\) \([0-9a-f]{12}\), linux\/amd64\ncommand +true\n\nLAYER +STORED +MADE BY\n[0-9a-f]{12} +\d+ B\n$/)
})

test('an image layout in a directory, also an extracted file of docker save and a repository', async () => {
  mkdirSync(join(lab.folder, 'layout'))
  spawnSync('tar', ['-xf', archive('docker-28.tar'), '-C', join(lab.folder, 'layout')])
  const { exitCode, stdout } = await lab.dray('inspect', 'layout', '--json')
  expect(exitCode).toBe(0)
  const { kind, images } = JSON.parse(stdout) as { kind: string; images: { names: string[]; steps: { bytes: number }[] }[] }
  const ofFile = JSON.parse((await lab.dray('inspect', archive('docker-28.tar'), '--json')).stdout) as { images: { steps: object[] }[] }
  expect(kind).toBe('layout')
  expect(images.map(({ steps }) => steps)).toEqual(ofFile.images.map(({ steps }) => steps))
  expect(await lab.dray('inspect', lab.path)).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^image [^]*\n\nLAYER +STORED +MADE BY\n/) })
  rmSync(join(lab.folder, 'layout/blobs'), { recursive: true })
  expect(await lab.dray('inspect', './layout')).toMatchObject({ exitCode: 20, stderr: expect.stringContaining('lacks the blob') })
})

test('a folder or a file that holds no image is 21', async () => {
  expect(await lab.dray('inspect', './data')).toMatchObject({ exitCode: 21, stderr: expect.stringContaining('it has no index.json') })
  spawnSync('tar', ['-cf', join(lab.folder, 'other.tar'), '-C', lab.folder, 'data'])
  expect(await lab.dray('inspect', 'other.tar')).toMatchObject({ exitCode: 21, stderr: expect.stringContaining('it has no manifest.json') })
})
