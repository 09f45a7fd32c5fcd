/** Looks things up in a table of contents, and reads only those chunks of it that can hold them. */
import type { ChunkSource } from './content-reader.ts'
import type { Toc, TocChunk } from './mount-manifest.ts'
import type { PlacedEntry } from './toc-entry.ts'
import { readToc, tocChunksFrom } from './toc.ts'

const root = Buffer.from('.')
const slash = 0x2f

/** What begins the paths of all that is below a folder: "./a/", of the root "./". */
export function prefixBelow(folder: Buffer): Buffer {
  return Buffer.concat([folder, Buffer.from('/')])
}

/** All that is below the folder, at any depth, in tar order and in batches; the folder itself is not among it. */
export async function* entriesBelow(source: ChunkSource, toc: Toc, folder: Buffer): AsyncGenerator<PlacedEntry[]> {
  const prefix = prefixBelow(folder)
  for await (const batch of readToc(source, chunksBelow(toc, folder))) yield batch.filter(({ path }) => startsWith(path, prefix))
}

/** What lies in the folder itself. Chunks that hold only what is deeper are not read. */
export async function* childrenOf(source: ChunkSource, toc: Toc, folder: Buffer): AsyncGenerator<PlacedEntry[]> {
  const prefix = prefixBelow(folder)
  const { sorted, chunks } = chunksBelow(toc, folder)
  const all = toc.chunks
  const isDeep = (chunk: TocChunk): boolean => {
    const child = childIn(chunk.first, prefix)
    const next = all[all.indexOf(chunk) + 1]
    return child !== undefined && next !== undefined && startsWith(next.first, child)
  }
  const wanted = { sorted, chunks: sorted ? chunks.filter(chunk => !isDeep(chunk)) : chunks }
  for await (const batch of readToc(source, wanted)) yield batch.filter(({ path }) => startsWith(path, prefix) && path.indexOf(slash, prefix.length) < 0)
}

/** The part of the table that can hold what is below the folder. */
export function chunksBelow(toc: Toc, folder: Buffer): Toc {
  if (folder.equals(root)) return toc
  const { from, to } = tocChunksFrom(toc, prefixBelow(folder), Buffer.concat([folder, Buffer.from([slash + 1])]))
  return { sorted: toc.sorted, chunks: toc.chunks.slice(from, to) }
}

/** "./a/b/" of "./a/b/c" in "./a/"; undefined of what lies in the folder itself, or outside. */
function childIn(path: Buffer, prefix: Buffer): Buffer | undefined {
  const end = startsWith(path, prefix) ? path.indexOf(slash, prefix.length) : -1
  return end < 0 ? undefined : path.subarray(0, end + 1)
}

function startsWith(path: Buffer, prefix: Buffer): boolean {
  return path.length >= prefix.length && path.compare(prefix, 0, prefix.length, 0, prefix.length) === 0
}
