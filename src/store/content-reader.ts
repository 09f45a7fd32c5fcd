import { Readable } from 'node:stream'
import type { ChunkRef } from './chunk-ref.ts'

export type ChunkSource = { read(ref: ChunkRef): Promise<Buffer> }

/** Chunks read and decompressed ahead: 4 of 8 MiB at most. */
const readAhead = 4

/** The whole stream, each chunk verified. Fails with `damaged` at the first chunk that is not. */
export function openContent(source: ChunkSource, chunks: readonly ChunkRef[]): Readable {
  return Readable.from(plainChunks(source, chunks), { objectMode: false })
}

/** The bytes [from, to) of the stream; only the chunks that hold them are read. */
export function readRange(source: ChunkSource, chunks: readonly ChunkRef[], from: number, to: number): Readable {
  return Readable.from(rangeOf(source, chunks, from, to), { objectMode: false })
}

/** The plain chunks in order, a few read at the same time. */
export async function* plainChunks<Ref extends ChunkRef>(source: ChunkSource, chunks: Iterable<Ref>): AsyncGenerator<Buffer> {
  const ahead: Promise<Buffer>[] = []
  const rest = chunks[Symbol.iterator]()
  for (let next = rest.next(); ; next = rest.next()) {
    if (next.done !== true) {
      const reading = source.read(next.value)
      reading.catch(() => undefined)
      ahead.push(reading)
      if (ahead.length <= readAhead) continue
    }
    const first = ahead.shift()
    if (first === undefined) return
    const plain = await first
    if (plain.length > 0) yield plain
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
