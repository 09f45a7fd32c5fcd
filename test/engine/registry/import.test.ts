import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { run } from '../../lab/command.ts'
import { layerOf, savedFiles, tarOf } from '../../images/example-image.ts'
import type { LabRegistry } from '../../lab/registry.ts'
import type { Asked, RegistryProxy } from '../../lab/registry-proxy.ts'
import { noise } from '../../unit/store/scratch.ts'
import { tagsOf, type RegistryLab } from './registry-lab.ts'
import { useProxiedRegistry } from './use-proxied-registry.ts'

const limit = 120_000
let lab: RegistryLab
let registry: LabRegistry
let proxy: RegistryProxy
let saved: string

useProxiedRegistry(limit, async started => {
  ({ lab, registry, proxy } = started)
  saved = join(lab.folder, 'saved.tar')
  await writeFile(saved, tarOf(savedFiles({ plain: [layerOf('one', noise(14 * 1024 * 1024).toString('latin1')), layerOf('two')] })))
})

const isPiece = ({ method, path, headers }: Asked): boolean => (method === 'PATCH' || (method === 'PUT' && path.includes('/blobs/'))) && Number(headers['content-length'] ?? 0) > 1024 * 1024

/** Cuts so many uploads in every other piece, which Debian's registry takes for their end. */
function loseUploads(most: number): () => number {
  let [pieces, lost] = [0, 0]
  proxy.fate = asked => {
    if (!isPiece(asked) || pieces++ % 2 === 0 || lost === most) return 'pass'
    lost += 1
    return { cutAfter: 100_000 }
  }
  return () => lost
}

test.each(['docker save', 'dray export'] as const)('a file of %s is read again when the registry lost an upload, and comes in whole', async program => {
  let file = saved
  if (program === 'dray export') {
    const { id } = await lab.backUp(noise(14 * 1024 * 1024))
    file = join(lab.folder, 'exported.tar')
    expect(await lab.dray('export', id, '-o', file)).toMatchObject({ exitCode: 0 })
  }
  const place = `oci://${proxy.address}/${program.replace(' ', '-')}`
  const lost = loseUploads(2)
  expect(await lab.dray('import', file, '-r', place)).toMatchObject({ exitCode: 0 })
  expect(lost()).toBe(2)
  expect(await lab.dray('verify', '-r', place)).toMatchObject({ exitCode: 0 })
  expect(await lab.dray('list', '-r', place)).toMatchObject({ result: { backups: [{}] } })
}, limit)

test('a registry that loses every upload ends it with the cause, and nothing is listed', async () => {
  loseUploads(Infinity)
  expect(await lab.dray('import', saved, '-r', `oci://${proxy.address}/never`)).toMatchObject({ exitCode: 30, stderr: expect.stringContaining('lost the upload of a layer') })
  expect(await tagsOf(registry.address, 'never')).toEqual([])
}, limit)

test('what comes out of a pipe cannot be read again, and is told to be kept in a file', async () => {
  loseUploads(1)
  const place = `oci://${proxy.address}/piped`
  const { exitCode, stderr } = await run('sh', ['-c', `cat ${saved} | ${process.execPath} bin/dray.js import - -r ${place}`])
  expect([exitCode, stderr]).toEqual([30, expect.stringContaining('what comes out of a pipe cannot be read again: keep it in a file, and import that')])
  expect(await tagsOf(registry.address, 'piped')).toEqual([])
}, limit)
