import type { BufferPool } from '../archive/buffer-pool.ts'
import { DrayError } from '../errors/dray-error.ts'
import type { ChunkSource } from './content-reader.ts'
import type { TocChunk } from './mount-manifest.ts'
import { decodeTocLines, type PlacedEntry } from './toc-entry.ts'

/**
 * The entries of one chunk of a table of contents. With `needle`, text that names of interest hold: nothing, without decoding its
 * lines, when the chunk does not hold it.
 */
export async function readTocChunk(source: ChunkSource, chunk: TocChunk, pool: BufferPool, needle?: string): Promise<PlacedEntry[]> {
  const memory = pool.take(chunk.length)
  try {
    const lines = await source.read(chunk, memory)
    // Names in base64 hide theirs.
    if (needle !== undefined && !lines.includes(needle) && !lines.includes('"p64":')) return []
    const entries = [...decodeTocLines(lines, chunk.offset)]
    if (entries.length !== chunk.entries) throw new DrayError('damaged', `chunk "${chunk.key}" of a table of contents has ${entries.length} entries instead of ${chunk.entries}`)
    return entries
  } finally {
    pool.giveBack(memory)
  }
}
