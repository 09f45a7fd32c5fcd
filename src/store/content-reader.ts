import { Readable } from 'node:stream'
import { BufferPool } from '../archive/buffer-pool.ts'
import type { ChunkRef } from './chunk-ref.ts'
import { chunkThreads } from './chunk-threads.ts'

/** `into` is shared memory of the chunk's length, which may be used for what is returned. */
export type ChunkSource = { read(ref: ChunkRef, into?: Buffer): Promise<Buffer> }

/** Chunks read and decompressed ahead, unless told otherwise: 4 of 8 MiB at most. */
const usualReadAhead = 4

/** The whole stream, each chunk verified. Fails with `damaged` at the first chunk that is not. */
export function openContent(source: ChunkSource, chunks: readonly ChunkRef[]): Readable {
  return Readable.from(plainChunks(source, chunks), { objectMode: false })
}

/** The same as pieces, each of which is there until the next one is asked for: their memory is used again. */
export function passContent(source: ChunkSource, chunks: readonly ChunkRef[]): AsyncGenerator<Buffer> {
  chunkThreads.expect(chunks.reduce((sum, { length }) => sum + length, 0))
  return plainChunks(source, chunks, { pool: new BufferPool(usualReadAhead + 2) })
}

/** The bytes [from, to) of the stream; only the chunks that hold them are read. */
export function readRange(source: ChunkSource, chunks: readonly ChunkRef[], from: number, to: number): Readable {
  return Readable.from(rangeOf(source, chunks, from, to), { objectMode: false })
}

/** The plain chunks in order, a few read at the same time. With a pool, each is there until the next one is asked for. */
export async function* plainChunks<Ref extends ChunkRef>(source: ChunkSource, chunks: Iterable<Ref>, { pool, readAhead = usualReadAhead }: { readonly pool?: BufferPool; readonly readAhead?: number } = {}): AsyncGenerator<Buffer> {
  const ahead: { readonly reading: Promise<Buffer>; readonly memory: Buffer | undefined }[] = []
  const rest = chunks[Symbol.iterator]()
  for (let next = rest.next(); ; next = rest.next()) {
    if (next.done !== true) {
      const memory = pool?.take(next.value.length)
      const reading = source.read(next.value, memory)
      reading.catch(() => undefined)
      ahead.push({ reading, memory })
      if (ahead.length <= readAhead) continue
    }
    const first = ahead.shift()
    if (first === undefined) return
    const plain = await first.reading
    if (plain.length > 0) yield plain
    if (first.memory !== undefined) pool?.giveBack(first.memory)
  }
}

async function* rangeOf(source: ChunkSource, chunks: readonly ChunkRef[], from: number, to: number): AsyncGenerator<Buffer> {
  let start = 0
  const wanted: ChunkRef[] = []
  let skipped: number | undefined
  for (const chunk of chunks) {
    const end = start + chunk.length
    if (end > from && start < to && chunk.length > 0) {
      skipped ??= start
      wanted.push(chunk)
    }
    start = end
  }
  if (from < 0 || to > start || from > to) throw new RangeError(`the content has ${start} bytes, not ${from} to ${to}`)
  let position = skipped ?? 0
  for await (const plain of plainChunks(source, wanted)) {
    yield plain.subarray(Math.max(0, from - position), to - position)
    position += plain.length
  }
}
