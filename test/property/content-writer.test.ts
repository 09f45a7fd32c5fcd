import '../one-realm.ts'
import { createHash } from 'node:crypto'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { ChunkRef, ContentChunk } from '../../src/store/chunk-ref.ts'
import { openContent, readRange } from '../../src/store/content-reader.ts'
import { ContentWriter } from '../../src/store/content-writer.ts'
import { collect, smallChunks } from '../unit/store/scratch.ts'

/** Chunks in memory, uncompressed: the cuts are what is looked at here. */
class Memory {
  readonly plain = new Map<string, Buffer>()
  reads = 0

  store(plain: Buffer): Promise<ChunkRef> {
    const key = createHash('sha256').update(plain).digest('hex')
    this.plain.set(key, Buffer.from(plain))
    return Promise.resolve({ key, length: plain.length, digest: `sha256:${key}`, size: plain.length, codec: 'gzip' })
  }

  read({ key }: ChunkRef): Promise<Buffer> {
    this.reads++
    return Promise.resolve(this.plain.get(key)!)
  }

  isPresent({ key }: ChunkRef): Promise<boolean> {
    return Promise.resolve(this.plain.has(key))
  }
}

/** A piece of a stream, as an entry of a tar is; with `data` it has a head and a body, with a cut before and after the body, as a large file has. */
type Piece = { readonly id: number; readonly bytes: number; readonly data: boolean }

const piece = fc.record({ id: fc.nat(), bytes: fc.oneof(fc.integer({ min: 1, max: 600 }), fc.integer({ min: 1, max: 60_000 })), data: fc.boolean() })

function contentOf({ id, bytes }: Piece): Buffer {
  const pieces: Buffer[] = []
  for (let n = 0; n * 32 < bytes; n++) pieces.push(createHash('sha256').update(`${id} ${n}`).digest())
  return Buffer.concat(pieces).subarray(0, bytes)
}

async function writePiece(writer: ContentWriter, piece: Piece): Promise<void> {
  const content = contentOf(piece)
  if (!piece.data) return writer.write(content)
  const head = Math.min(content.length, 5)
  await writer.write(content.subarray(0, head))
  await writer.cut()
  await writer.write(content.subarray(head))
  await writer.cut()
}

async function writeAll(memory: Memory, pieces: readonly Piece[]): Promise<ContentChunk[]> {
  const writer = new ContentWriter(memory, smallChunks)
  for (const each of pieces) await writePiece(writer, each)
  return writer.finish()
}

/** Keeps the pieces for which `kept` says so, by reuse, and puts others in their place. */
async function writeAgain(memory: Memory, old: readonly Piece[], base: readonly ContentChunk[], edits: readonly (Piece | null | undefined)[]): Promise<{ chunks: ContentChunk[]; pieces: Piece[]; writer: ContentWriter }> {
  const writer = new ContentWriter(memory, smallChunks, base)
  const pieces: Piece[] = []
  let at = 0
  for (const [i, each] of old.entries()) {
    const edit = edits[i % Math.max(1, edits.length)]
    const [from, to] = [at, (at += each.bytes)]
    if (edit === null) continue
    const now = edit ?? each
    pieces.push(now)
    await (edit ? writePiece(writer, edit) : writer.reuse(from, to))
  }
  return { chunks: await writer.finish(), pieces, writer }
}

const keys = (chunks: readonly ContentChunk[]) => chunks.map(({ key, length }) => `${key} ${length}`)

test('reused ranges and edits give the chunks of writing everything', async () => {
  await fc.assert(fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 40 }), fc.array(fc.option(fc.option(piece, { nil: null }), { nil: undefined, freq: 4 }), { maxLength: 41 }), async (old, edits) => {
    const memory = new Memory()
    const base = await writeAll(memory, old)
    const { chunks, pieces, writer } = await writeAgain(memory, old, base, edits)
    const wanted = Buffer.concat(pieces.map(contentOf))
    expect((await collect(openContent(memory, chunks))).equals(wanted)).toBe(true)
    expect(writer.position).toBe(wanted.length)
    expect(keys(chunks)).toEqual(keys(await writeAll(memory, pieces)))
  }), { numRuns: process.env['DRAY_TEST_ALL'] ? 2000 : 50 })
}, 600_000)

test('a stream that is reused whole reads its last chunk at most, and edits of it add few chunks', async () => {
  const memory = new Memory()
  const old = Array.from({ length: 400 }, (_, id) => ({ id, bytes: 2000, data: id % 50 === 0 }))
  const base = await writeAll(memory, old)
  expect(base.length).toBeGreaterThan(100)
  const same = await writeAgain(memory, old, base, [])
  expect(keys(same.chunks)).toEqual(keys(base))
  expect(memory.reads).toBeLessThanOrEqual(1)
  const edits = old.map(({ id }) => id === 200 ? { id: 1000, bytes: 3000, data: false } : undefined)
  memory.reads = 0
  const edited = await writeAgain(memory, old, base, edits)
  const known = new Set(keys(base))
  expect(keys(edited.chunks).filter(key => !known.has(key)).length).toBeLessThan(8)
  expect(memory.reads).toBeLessThan(12)
})

test('a base chunk that is gone is an error of its reading, not a hole', async () => {
  const memory = new Memory()
  const base = await writeAll(memory, [{ id: 1, bytes: 50_000, data: false }])
  memory.read = () => Promise.reject(new Error('gone'))
  memory.plain.delete(base[0]!.key)
  const writer = new ContentWriter(memory, smallChunks, base)
  await writer.reuse(0, 50_000)
  await expect(writer.finish()).rejects.toThrow('gone')
  await expect(writer.reuse(0, 50_001)).rejects.toThrow('50000 bytes')
})

test('a failing store fails the write', async () => {
  const memory = new Memory()
  memory.store = () => Promise.reject(new Error('full'))
  const writer = new ContentWriter(memory, smallChunks)
  await expect((async () => {
    for (let i = 0; i < 100; i++) await writer.write(contentOf({ id: i, bytes: 10_000, data: false }))
  })()).rejects.toThrow('full')
  await expect(writer.finish()).rejects.toThrow('full')
})

test('any range can be read', async () => {
  const memory = new Memory()
  const whole = contentOf({ id: 7, bytes: 60_000, data: false })
  const chunks = await writeAll(memory, [{ id: 7, bytes: 60_000, data: false }])
  await fc.assert(fc.asyncProperty(fc.nat({ max: 60_000 }), fc.nat({ max: 60_000 }), async (a, b) => {
    const [from, to] = [Math.min(a, b), Math.max(a, b)]
    expect((await collect(readRange(memory, chunks, from, to))).equals(whole.subarray(from, to))).toBe(true)
  }))
  await expect(collect(readRange(memory, chunks, 0, 60_001))).rejects.toThrow('60000 bytes')
})
