import { expect, test } from '@jest/globals'
import { types } from '../../images/example-image.ts'
import { makeFolder, manyBlobs, testHostile, verify, documents, gzipBomb, manyMembers, manyWays, packedZeros, withFile, withLayer, xzOfMuchMemory, zstdBomb } from '../../cli/verify-hostile-contract.ts'

const folder = makeFolder()

testHostile(folder, [
  ['a gzip bomb as a layer', 'unverifiable', 'layer-expands', () => withLayer(gzipBomb(), `${types.layer}+gzip`)],
  ['a zstd bomb as a layer', 'unverifiable', 'layer-expands', () => withLayer(zstdBomb(), `${types.layer}+zstd`)],
  ['an xz bomb as a layer', 'damaged', 'layer-expands', () => withLayer(packedZeros('xz', 40))],
  ['a bzip2 bomb as a layer', 'damaged', 'layer-expands', () => withLayer(packedZeros('bzip2', 40))],
  ['a gzip bomb around it', 'unverifiable', 'archive-expands', gzipBomb],
  ['a zstd bomb around it', 'unverifiable', 'archive-expands', zstdBomb],
  ['xz around it that asks for three gigabytes of memory', 'unverifiable', 'memory-excessive', xzOfMuchMemory],
  ['100 MB of white space as manifest.json', 'damaged', 'document-too-large', () => withFile('manifest.json', Buffer.alloc(100e6, ' '))],
  ['sixty thousand members', 'damaged', 'too-many-members', () => manyMembers(60_000)],
  ['forty-five thousand members', 'valid', '', () => manyMembers(45_000)],
  ['indexes that lead thousands of ways to one another', 'valid', '', manyWays],
  ['eighty megabytes of documents', 'valid', '', documents],
  ['a hundred thousand blobs', 'valid', '', () => manyBlobs(100_000)],
])

/** 400 MB of headers take longer than the others. */
test('four hundred thousand blobs that are not what their names say take little memory', async () => {
  const { verdict, codes, peakBytes } = await verify(folder(), manyBlobs(400_000, false), 'stdin')
  expect({ verdict, codes }).toEqual({ verdict: 'damaged', codes: ['digest-mismatch'] })
  expect(peakBytes).toBeLessThan(150e6)
}, 300_000)
