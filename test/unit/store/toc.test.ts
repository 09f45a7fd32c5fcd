import '../../one-realm.ts'
import { isDeepStrictEqual } from 'node:util'
import { expect, test } from '@jest/globals'
import { ChunkStore } from '../../../src/store/chunk-store.ts'
import { findTocEntry, readToc, TocWriter, tocChunksFrom } from '../../../src/store/toc.ts'
import { encodeTocEntry, type PlacedEntry, type TocEntry } from '../../../src/store/toc-entry.ts'
import { entry, scratch } from './scratch.ts'

const odd = Buffer.from([0x2e, 0x2f, 0xff, 0x0a, 0x22])
const many = (count: number): TocEntry[] => Array.from({ length: count }, (_, i) => entry(`./dir/file-${String(i).padStart(6, '0')}`, { size: i, bytes: 512 + (i % 3) * 512, inode: String(i), ctime: `17${i}.000000001` }))

async function write(store: ChunkStore, entries: readonly TocEntry[]) {
  const writer = new TocWriter(store)
  for (const each of entries) await writer.add(each)
  return writer.finish()
}

async function readAll(store: ChunkStore, toc: Awaited<ReturnType<typeof write>>): Promise<PlacedEntry[]> {
  const entries: PlacedEntry[] = []
  for await (const some of readToc(store, toc)) entries.push(...some)
  return entries
}

test('a line is the JSON that the format says', () => {
  const line = encodeTocEntry(entry('./a', { type: 'l', links: 1, target: odd, inode: '12', ctime: '1.000000002' })).toString()
  expect(line).toBe('{"p":"./a","t":"l","s":3,"m":420,"u":0,"g":0,"mt":"1700000000.123456789","ct":"1.000000002","in":"12","nl":1,"l64":"Li//CiI=","n":1024,"h":512}\n')
  expect(JSON.parse(encodeTocEntry(entry(odd)).toString())).toMatchObject({ p64: 'Li//CiI=' })
})

test('entries come back with their places, and each can be found', async () => {
  await using at = await scratch()
  await using repository = await at.open()
  const store = new ChunkStore(repository)
  const entries = [entry('.', { type: 'd' }), ...many(8000), entry(odd, { target: odd })]
  const toc = await write(store, entries)
  expect(toc.chunks.length).toBeGreaterThan(2)
  const read = await readAll(store, toc)
  let offset = 0
  const differing = entries.filter((each, i) => {
    const placed = { ...each, offset }
    offset += each.bytes
    return !isDeepStrictEqual(read[i], placed)
  })
  expect(differing).toEqual([])
  expect(toc.sorted).toBe(true)
  expect(await findTocEntry(store, toc, odd)).toEqual(read.at(-1))
  expect(await findTocEntry(store, toc, entries[4321]!.path)).toEqual(read[4321])
  expect(await findTocEntry(store, toc, Buffer.from('./dir/none'))).toBeUndefined()
  const { from, to } = tocChunksFrom(toc, entries[4321]!.path, entries[4321]!.path)
  expect(to - from).toBe(1)
})

test('one changed entry changes a chunk or two, and unsorted tables are searched whole', async () => {
  await using at = await scratch()
  await using repository = await at.open()
  const store = new ChunkStore(repository)
  const entries = many(20_000)
  const old = await write(store, entries)
  const changed = await write(store, entries.with(10_000, entry('./dir/file-010000', { mtime: '1.000000000' })))
  const known = new Set(old.chunks.map(({ key }) => key))
  expect(old.chunks.length).toBeGreaterThan(6)
  expect(changed.chunks.filter(({ key }) => !known.has(key)).length).toBeLessThanOrEqual(2)
  const reversed = await write(store, entries.toReversed())
  expect(reversed.sorted).toBe(false)
  expect((await findTocEntry(store, reversed, entries[77]!.path))?.size).toBe(77)
})

test('chunks are between 64 KiB and 1 MiB, about 256 KiB', async () => {
  await using at = await scratch()
  await using repository = await at.open()
  const { chunks } = await write(new ChunkStore(repository), many(30_000))
  const lengths = chunks.slice(0, -1).map(({ length }) => length)
  expect(Math.min(...lengths)).toBeGreaterThanOrEqual(64 * 1024)
  expect(Math.max(...lengths)).toBeLessThanOrEqual(1024 * 1024)
  expect(lengths.reduce((a, b) => a + b, 0) / lengths.length).toBeGreaterThan(128 * 1024)
})

test('a table that is not one is damaged', async () => {
  await using at = await scratch()
  await using repository = await at.open()
  const store = new ChunkStore(repository)
  const first = Buffer.from('./a')
  const table = async (text: string, entries: number) => readAll(store, { sorted: true, chunks: [{ ...(await store.store(Buffer.from(text))), entries, offset: 0, first }] })
  await expect(table('{"p":\n', 1)).rejects.toMatchObject({ code: 'damaged' })
  await expect(table('{"t":"f"}\n', 1)).rejects.toMatchObject({ code: 'damaged' })
  await expect(table(encodeTocEntry(entry('./a')).toString(), 2)).rejects.toMatchObject({ code: 'damaged' })
})
