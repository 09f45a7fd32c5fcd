import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { openRepository } from '../../../src/store/repository.ts'
import { startRegistry, type LabRegistry } from '../../lab/registry.ts'
import { noise, putSmallImage } from '../../unit/store/scratch.ts'
import { RegistryLab, storedBytes, tagsOf } from './registry-lab.ts'

const limit = 120_000
let lab: RegistryLab
let registry: LabRegistry

beforeAll(async () => {
  [lab, registry] = await Promise.all([RegistryLab.start(), startRegistry()])
}, limit)
afterAll(async () => {
  await Promise.all([lab[Symbol.asyncDispose](), registry[Symbol.asyncDispose]()])
}, limit)

test('forget deletes what no other backup and no tag of anybody needs; the space goes with the garbage collection', async () => {
  const image = await (async () => {
    await using repository = await openRepository(lab.dray.repository, { create: true })
    const put = await putSmallImage(repository, noise(100_000))
    await repository.blobs.flush()
    return put
  })()
  const at = `${registry.address}/shared`
  const [one, two] = [await lab.backUp(noise(4_000_000), { images: [image] }), await lab.backUp(noise(1_000_000), { images: [image] })]
  for (const { id } of [one, two]) await lab.dray('push', id, at, '--insecure')
  const manifest = await (await fetch(`http://${registry.address}/v2/shared/manifests/${image.digest}`, { headers: { accept: image.mediaType } })).text()
  await fetch(`http://${registry.address}/v2/shared/manifests/latest`, { method: 'PUT', headers: { 'content-type': image.mediaType }, body: manifest })
  const full = await storedBytes(registry.dataDir)

  const remote = (...args: readonly string[]) => lab.dray(...args, '-r', `oci://${at}`, '--insecure')
  expect(await remote('forget', one.id, '--yes', '--even-last')).toMatchObject({ exitCode: 0 })
  await registry.collectGarbage({ untagged: true })
  expect(full - (await storedBytes(registry.dataDir))).toBeGreaterThan(3_900_000)
  expect(await remote('verify')).toMatchObject({ exitCode: 0 })
  expect((await remote('list')).result.backups.map(({ id }) => id)).toEqual([two.id])

  expect(await remote('forget', two.id, '--yes', '--even-last')).toMatchObject({ exitCode: 0 })
  expect(await tagsOf(registry.address, 'shared')).toEqual(expect.arrayContaining(['latest']))
  await registry.stop()
  await registry.collectGarbage({ untagged: true })
  await registry.start()
  expect(await (await fetch(`http://${registry.address}/v2/shared/manifests/latest`, { headers: { accept: image.mediaType } })).text()).toBe(manifest)
  expect(await storedBytes(registry.dataDir)).toBeLessThan(110_000)
}, limit)
