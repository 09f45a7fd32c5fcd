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
  ['three hundred thousand blobs that are not what their names say', 'damaged', 'digest-mismatch', () => manyBlobs(300_000, false)],
])

/** As many as an archive may have, out of which a gigabyte of headers is read. */
test('a million blobs, and one more, take no more memory', async () => {
  const most = 1_000_000
  const own = 4
  const whole = await verify(folder(), manyBlobs(most - own), 'stdin')
  expect([whole.verdict, whole.peakBytes < 150e6]).toEqual(['valid', true])
  const more = await verify(folder(), manyBlobs(most), 'stdin')
  expect([more.verdict, more.codes, more.peakBytes < 150e6]).toEqual(['damaged', ['too-many-members'], true])
}, 400_000)
