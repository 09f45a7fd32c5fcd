import '../../one-realm.ts'
import { expect, test } from '@jest/globals'
import { ChunkStore } from '../../../src/store/chunk-store.ts'
import { TocCursor } from '../../../src/store/toc-cursor.ts'
import { factsText, type TocEntry } from '../../../src/store/toc-entry.ts'
import { TocWriter } from '../../../src/store/toc.ts'
import { entry, scratch } from './scratch.ts'

const names: readonly (string | Buffer)[] = ['.', './plain', './a\nb', './a\\nb', './quote"', './quote","t":"f', './tab\t', './ünïcode', './\u2028', Buffer.from([0x2e, 0x2f, 0xff, 0x0a, 0x22]), './\u0000x', './{"p":"', './long'.padEnd(4000, 'x')]
const odd: readonly TocEntry[] = [
  ...names.map(name => entry(name, { inode: '7', ctime: '1700000000.000000001' })),
  entry('./link', { type: 'l', target: Buffer.from('","n":9,"h":9}') }),
  entry('./other', { type: 'h', target: Buffer.from('./plain'), links: 2 }),
  entry('./none'),
]

async function stored(entries: readonly TocEntry[]) {
  const at = await scratch()
  const repository = await at.open()
  const store = new ChunkStore(repository)
  const writer = new TocWriter(store)
  for (const each of entries) await writer.add(each)
  return { store, toc: await writer.finish(), [Symbol.asyncDispose]: async () => {
    await repository[Symbol.asyncDispose]()
    await at[Symbol.asyncDispose]()
  } }
}

test('each line is what was written, decoded or not', async () => {
  const entries = [...odd, ...Array.from({ length: 9000 }, (_, i) => entry(`./z-${i}`, { size: i, bytes: 512 * (i % 5), inode: String(i), ctime: '1.000000000' }))]
  await using at = await stored(entries)
  expect(at.toc.chunks.length).toBeGreaterThan(2)
  const copy = new TocWriter(at.store)
  const cursor = await TocCursor.open(at.store, at.toc)
  for (const expected of entries) {
    expect(cursor.isAtEnd).toBe(false)
    expect([cursor.path.toString('latin1'), cursor.recordBytes]).toEqual([expected.path.toString('latin1'), expected.bytes])
    expect(cursor.entry).toMatchObject(expected)
    await copy.addLine(cursor.line, cursor.path, cursor.recordBytes)
    await cursor.step()
  }
  expect(cursor.isAtEnd).toBe(true)
  expect(await copy.finish()).toEqual(at.toc)
})

test('a line says its own entry and no other; names that need JSON are never said', async () => {
  await using at = await stored(odd)
  const cursor = await TocCursor.open(at.store, at.toc)
  for (const written of odd) {
    const plain = !/["\\\n\t\0\xff]/.test(written.path.toString('latin1'))
    for (const asked of odd) expect(cursor.says(asked.path, factsText(asked))).toBe(written === asked && plain)
    for (const changed of [{ size: 4 }, { mode: 0 }, { uid: 1 }, { gid: 1 }, { mtime: '1.000000000' }, { ctime: '2.000000000' }, { inode: '8' }, { type: 'd' as const }]) expect(cursor.says(written.path, factsText({ ...written, ...changed }))).toBe(false)
    expect(cursor.says(written.path.subarray(0, -1), factsText(written))).toBe(false)
    await cursor.step()
  }
})

test('a table with a line too many or too few is damaged, none is at its end', async () => {
  await using at = await stored(odd)
  const [chunk] = at.toc.chunks
  for (const entries of [odd.length - 1, odd.length + 1]) {
    const walk = async () => {
      const cursor = await TocCursor.open(at.store, { sorted: true, chunks: [{ ...chunk!, entries }] })
      while (!cursor.isAtEnd) await cursor.step()
    }
    await expect(walk()).rejects.toMatchObject({ code: 'damaged' })
  }
  expect((await TocCursor.open(at.store, undefined)).isAtEnd).toBe(true)
})
