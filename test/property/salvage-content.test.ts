import '../one-realm.ts'
import { createHash } from 'node:crypto'
import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { TarEntry } from '../../src/archive/tar-entry.ts'
import { TarScanner } from '../../src/archive/tar-scanner.ts'
import { ChunkReader } from '../../src/store/chunk-reader.ts'
import type { LocalRepository } from '../../src/store/repository.ts'
import { walkToc } from '../../src/store/toc.ts'
import { tocPathOf } from '../../src/store/toc-entry.ts'
import { salvagedEntries, salvagedTar, type LostEntry } from '../../src/workflows/steps/salvage-content.ts'
import type { HurtMount } from '../../src/workflows/restore-plan.ts'
import { backUpTree, layerOf, makeTree, type TreeBackup } from '../unit/integrity/tree-backup.ts'
import { collect, scratch, type Scratch } from '../unit/store/scratch.ts'

let at: Scratch
let repository: LocalRepository
let backup: TreeBackup
let whole: ReadonlyMap<string, string>

beforeAll(async () => {
  at = await scratch()
  repository = await at.open()
  const tar = await makeTree()
  backup = await backUpTree(repository, tar, layerOf('file'))
  whole = new Map(entriesOf(tar).map(({ entry, content }) => [tocPathOf(entry.name).toString(), factsOf(entry, content)]))
})
afterAll(async () => {
  await repository.close()
  await at[Symbol.asyncDispose]()
})

type Found = { readonly entry: TarEntry; readonly content: string }

/** Throws unless it is a whole tar. */
function entriesOf(tar: Buffer): Found[] {
  const found: Found[] = []
  let hash = createHash('sha256')
  const scanner = new TarScanner({
    onEntry: () => { hash = createHash('sha256') },
    onData: slice => void hash.update(slice),
    onEntryEnd: entry => found.push({ entry, content: hash.digest('hex') }),
  })
  scanner.scan(tar)
  scanner.end()
  return found
}

function factsOf({ type, mode, uid, gid, mtime, size, linkName }: TarEntry, content: string): string {
  return JSON.stringify({ type, mode: type === '2' ? 0 : mode, uid, gid, mtime, size, linkName: linkName.toString(), content })
}

test('whatever is damaged: a whole tar of what is there, everything as it was, and every other entry is named', async () => {
  const { content } = backup
  const source = new ChunkReader(repository.blobs)
  const paths: string[] = []
  for await (const { path } of walkToc(source, content.toc)) paths.push(path.toString())
  const description = { kind: 'directory' } as HurtMount['described']
  await fc.assert(fc.asyncProperty(fc.uniqueArray(fc.nat(content.chunks.length - 1), { minLength: 1, maxLength: 6 }), fc.integer({ min: 0, max: 9 }), async (chunks, toc) => {
    const bad = new Set([...chunks.map(number => content.chunks[number]!.digest), ...(toc === 0 ? [content.toc.chunks[0]!.digest] : [])])
    const mount: HurtMount = { described: description, content, isBad: ({ digest }) => bad.has(digest) }
    const lost: LostEntry[] = []
    const tar = await collect(salvagedTar(source, mount, entry => lost.push(entry)))
    const found = entriesOf(tar)
    for (const { entry, content: data } of found) expect(factsOf(entry, data)).toBe(whole.get(tocPathOf(entry.name).toString()))
    const names = found.map(({ entry }) => tocPathOf(entry.name).toString())
    const gone = lost.filter(({ lost: what }) => !what.startsWith('its extended')).map(({ path }) => path)
    expect(new Set(names).size).toBe(names.length)
    if (toc === 0) {
      expect(lost).toHaveLength(1)
    } else {
      expect([...names, ...gone].sort()).toEqual([...paths].sort())
      const expected: string[] = []
      for await (const { path } of salvagedEntries(source, mount)!) expected.push(path.toString())
      expect(expected).toEqual(names)
    }
    const { status, stderr } = spawnSync('tar', ['--list', '--file=-'], { input: tar })
    expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' })
  }), { numRuns: 60 })
}, 60_000)

test('a table of contents that is damaged costs nothing while the data is whole', async () => {
  const { content } = backup
  const bad = new Set(content.toc.chunks.map(({ digest }) => digest))
  const lost: LostEntry[] = []
  const tar = await collect(salvagedTar(new ChunkReader(repository.blobs), { described: { kind: 'directory' }, content, isBad: ({ digest }) => bad.has(digest) }, entry => lost.push(entry)))
  expect(lost).toEqual([])
  expect(new Map(entriesOf(tar).map(({ entry, content: data }) => [tocPathOf(entry.name).toString(), factsOf(entry, data)]))).toEqual(whole)
})
