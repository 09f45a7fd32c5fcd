import '../one-realm.ts'
import { randomInt } from 'node:crypto'
import { readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { BlobTable } from '../../src/integrity/blob-table.ts'
import { markedEntries } from '../../src/integrity/marked-entries.ts'
import { removeBackups } from '../../src/store/backup-list.ts'
import { ChunkReader } from '../../src/store/chunk-reader.ts'
import { hexOf } from '../../src/store/digest.ts'
import type { Descriptor } from '../../src/store/oci.ts'
import { reachableFrom } from '../../src/store/reachable.ts'
import type { LocalRepository } from '../../src/store/repository.ts'
import { walkToc } from '../../src/store/toc.ts'
import { backUpTree, check, layerOf, makeTree, type TreeBackup } from '../unit/integrity/tree-backup.ts'
import { scratch, type Scratch } from '../unit/store/scratch.ts'

let at: Scratch
let repository: LocalRepository
let tar: Buffer
let backup: TreeBackup
const layer = layerOf('file')

beforeAll(async () => {
  at = await scratch()
  repository = await at.open()
  tar = await makeTree()
  backup = await backUpTree(repository, tar, layer, { id: 'first' })
}, 60_000)
afterAll(async () => {
  await repository.close()
  await at[Symbol.asyncDispose]()
})

const pathOf = ({ digest }: Pick<Descriptor, 'digest'>): string => join(repository.paths.blobs, hexOf(digest))

async function blobs(): Promise<Descriptor[]> {
  const all: Descriptor[] = []
  for await (const descriptor of reachableFrom(repository.blobs, [backup.summary.descriptor])) all.push(descriptor)
  return all
}

/** The files of which a byte lies in the chunk, by a way of its own: positions alone. */
async function filesIn(digest: string): Promise<string[]> {
  const { chunks, toc } = backup.content
  const ranges: [number, number][] = []
  let from = 0
  for (const chunk of chunks) {
    if (chunk.digest === digest) ranges.push([from, from + chunk.length])
    from += chunk.length
  }
  const files: string[] = []
  for await (const { path, type, offset, headerBytes, size } of walkToc(new ChunkReader(repository.blobs), toc)) {
    const data = offset + headerBytes
    if (type === 'f' && ranges.some(([start, end]) => start < data + size && end > data)) files.push(path.toString())
  }
  return files
}

const damages: [string, (path: string) => Promise<void>][] = [
  ['a flipped bit', async path => {
    const bytes = await readFile(path)
    const where = randomInt(bytes.length)
    bytes[where] = (bytes[where] ?? 0) ^ (1 << randomInt(8))
    await writeFile(path, bytes)
  }],
  ['a cut', async path => truncate(path, randomInt((await stat(path)).size))],
  ['a loss', path => rm(path)],
]

describe.each(damages)('%s', (name, damage) => {
  test('of any blob is found at every depth, names the backup and its files, and heals with the next backup', async () => {
    expect(await check(repository, { level: 'deep' })).toMatchObject({ verdict: 'valid', findings: [], backups: [{ id: 'first', whole: true }] })
    const all = await blobs()
    expect(all.length).toBeGreaterThan(15)
    for (const blob of all) {
      const files = await filesIn(blob.digest)
      const original = await readFile(pathOf(blob))
      await damage(pathOf(blob))
      for (const level of ['full', name === 'a flipped bit' ? 'deep' : 'quick'] as const) {
        const report = await check(repository, { level, repairs: false })
        expect({ blob: blob.mediaType, ...report }).toMatchObject({ verdict: 'damaged', errors: 1, findings: [{ member: blob.digest }], backups: [{ id: 'first', whole: false }], movedAside: [] })
        const paths = report.backups[0]!.losses.flatMap(({ paths: lost = [] }) => lost)
        expect(paths).toEqual(expect.arrayContaining(files))
      }
      const { movedAside } = await check(repository)
      expect(movedAside).toEqual(name === 'a loss' ? [] : [blob.digest])
      expect((await check(repository)).findings).toMatchObject([{ code: 'blob-missing', member: blob.digest }])
      if (blob.digest === backup.summary.descriptor.digest) {
        await writeFile(pathOf(blob), original)
        continue
      }
      const again = await backUpTree(repository, tar, layer, { id: 'second' })
      expect({ blob: blob.mediaType, ...(await check(repository)) }).toMatchObject({ verdict: 'valid', backups: [{ whole: true }, { whole: true }] })
      await using lock = await repository.lock('exclusive', { command: 'test' })
      await removeBackups(repository, [again.summary.id], lock)
    }
  }, 120_000)
})

test('whatever chunks are bad: entries are whole if and only if their bytes are there', async () => {
  const { chunks, toc } = backup.content
  const source = new ChunkReader(repository.blobs)
  for (let round = 0; round < 20; round++) {
    const bad = new BlobTable()
    for (const chunk of chunks) if (randomInt(4) === 0) bad.add(chunk, 'chunk')
    for await (const marked of markedEntries(source, { chunks, toc }, ({ digest }) => bad.get(digest) !== undefined)) {
      if (!('entry' in marked)) throw new Error('the table is whole')
      const { entry, left } = marked
      let from = 0
      const isThere = (start: number, end: number): boolean => {
        from = 0
        return start === end || chunks.every(chunk => {
          const isOutside = from >= end || from + chunk.length <= start
          from += chunk.length
          return isOutside || bad.get(chunk.digest) === undefined
        })
      }
      const data = entry.offset + entry.headerBytes
      const hasData = isThere(data, data + (entry.type === 'f' ? entry.size : 0))
      const expected = !hasData ? 'lost' : isThere(entry.offset, data) ? 'whole' : 'data'
      if (entry.type !== 'h') expect({ path: entry.path.toString(), left }).toEqual({ path: entry.path.toString(), left: expected })
    }
  }
})
