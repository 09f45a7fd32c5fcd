import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { mergeLayers } from '../../../src/archive/merge-layers.ts'
import { diffOf, filesOf, lifeArbitrary, live, namesShownBy, startingFiles, tarOf, unpack, type Doing, type Files } from '../../images/file-lives.ts'

async function* inPieces(tar: Buffer): AsyncGenerator<Buffer> {
  await Promise.resolve()
  for (let at = 0; at < tar.length; at += 700) yield tar.subarray(at, at + 700)
}

async function merged(layers: readonly Buffer[], below: readonly Buffer[]): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of mergeLayers(layers.map(tar => () => inPieces(tar)), below.map(tar => () => inPieces(tar)))) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

/** The name that is left of the file comes before the directory that it lies in. */
const movedBeforeItsFolder: readonly Doing[][] = [
  [{ do: 'write', path: 'a/a', says: '1' }, { do: 'link', path: 'a/a', to: 'b/c/a' }],
  [{ do: 'remove', path: 'a/a', says: '' }],
]

describe('the layers that lives of a container wrote, merged', () => {
  test('show what the last life left: each name, content, owner and hard link, and no name of what was removed', async () => {
    await fc.assert(fc.asyncProperty(fc.array(lifeArbitrary, { minLength: 1, maxLength: 3 }), fc.array(lifeArbitrary, { minLength: 2, maxLength: 4 }), async (lower, lives) => {
      let files: Files = startingFiles
      const toLayers = async (many: typeof lives): Promise<Buffer[]> => {
        const tars: Buffer[] = []
        for (const life of many) {
          const after = live(files, life)
          tars.push(await tarOf(diffOf(files, after)))
          files = after
        }
        return tars
      }
      const below = await toLayers(lower)
      const layers = await toLayers(lives)
      const one = await merged(layers, below)
      expect(filesOf([...below, one].reduce(unpack, startingFiles))).toEqual(filesOf(files))
      expect(namesShownBy([...below, one])).toEqual([...files.keys()].sort())
      // merged twice, as nightly backups do
      if (layers.length > 2) expect(namesShownBy([...below, await merged([await merged(layers.slice(0, 2), below), ...layers.slice(2)], below)])).toEqual([...files.keys()].sort())
    }), { numRuns: 300, examples: [[[], [movedBeforeItsFolder[0]!, movedBeforeItsFolder[1]!]]] })
  }, 120_000)
})
