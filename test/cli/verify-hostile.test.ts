import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { layers, savedFiles, tarOf, types } from '../images/example-image.ts'
import { zstdRaw } from '../images/raw-tar.ts'
import { makeFolder, manyBlobs, testHostile, verify, deep, longNames, wide, withFile, withLayer } from './verify-hostile-contract.ts'

const folder = makeFolder()

testHostile(folder, [
  ['a zstd layer that asks for two gigabytes of memory', 'unverifiable', 'memory-excessive', () => withLayer(zstdRaw(layers[0], { windowLog: 31 }), `${types.layer}+zstd`)],
  ['a config a million levels deep', 'damaged', 'document-too-large', () => tarOf(savedFiles({ config: deep() }))],
  ['manifest.json with a million values', 'damaged', 'document-too-large', () => withFile('manifest.json', wide())],
  ['names of a megabyte', 'damaged', 'archive-malformed', longNames],
  ['ten thousand blobs', 'valid', '', () => manyBlobs(10_000)],
])

test('nothing is written anywhere', async () => {
  for (const name of ['name-out', 'layer-link-out', 'manifest-link-out', 'name-with-newline']) await verify(folder(), readFileSync(fileURLToPath(new URL(`../../../fixtures/archives/${name}.tar`, import.meta.url))))
  expect(readdirSync(join(folder(), 'empty'))).toEqual([])
})
