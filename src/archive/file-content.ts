import { DrayError } from '../errors/dray-error.ts'
import { paxRecordsIn } from './pax-records.ts'
import type { TarEntry } from './tar-entry.ts'
import { blockBytes, fields, numberIn, parseTarHeader } from './tar-header.ts'
import { TarScanner } from './tar-scanner.ts'

/** A run of a sparse file's data: `bytes` of it from `offset` of the file on. */
type Run = { readonly offset: number; readonly bytes: number }

const zeros = Buffer.alloc(64 * 1024)

/** What a file holds, out of its record in a tar: holes become zeros. Throws `damaged` for a record that is not whole. */
export async function* fileContent(record: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const headers: Buffer[] = []
  const data: Buffer[] = []
  let entry: TarEntry | undefined
  const scanner = new TarScanner({
    onRaw: (bytes, part) => {
      if (part === 'header') headers.push(Buffer.from(bytes))
    },
    onEntry: found => void (entry = found),
    onData: bytes => void data.push(bytes),
  })
  let file: SparseFile | undefined
  for await (const bytes of record) {
    scanner.scan(bytes)
    if (entry === undefined) continue
    file ??= new SparseFile(entry, entry.sparse ? sparseRuns(Buffer.concat(headers), entry) : undefined)
    for (const piece of data.splice(0)) yield* file.take(piece)
  }
  if (file === undefined) throw new DrayError('damaged', 'a file\'s record in the tar has no header')
  yield* file.end()
}

class SparseFile {
  private readonly entry: TarEntry
  private readonly runs: readonly Run[]
  private run = 0
  private inRun = 0
  /** Of the file. */
  private position = 0

  constructor(entry: TarEntry, runs: readonly Run[] = [{ offset: 0, bytes: entry.size }]) {
    this.entry = entry
    this.runs = runs
  }

  *take(piece: Buffer): Generator<Buffer> {
    for (let left = piece; left.length > 0; ) {
      const run = this.runs[this.run]
      if (run === undefined) throw new DrayError('damaged', `"${this.entry.name.toString()}" has more data than its map says`)
      yield* this.hole(run.offset)
      const taken = left.subarray(0, run.bytes - this.inRun)
      if (taken.length > 0) yield taken
      left = left.subarray(taken.length)
      this.inRun += taken.length
      this.position += taken.length
      if (this.inRun === run.bytes) {
        this.run++
        this.inRun = 0
      }
    }
  }

  *end(): Generator<Buffer> {
    if (this.runs.slice(this.run).some(({ bytes }) => bytes > this.inRun)) throw new DrayError('damaged', `"${this.entry.name.toString()}" is cut`)
    yield* this.hole(this.entry.realSize)
  }

  private *hole(end: number): Generator<Buffer> {
    // In the middle of a run its offset lies behind.
    while (this.position < end && this.inRun === 0) {
      const piece = zeros.subarray(0, end - this.position)
      this.position += piece.length
      yield piece
    }
  }
}

/** The map of a file that GNU tar wrote as sparse in its form 0.0, which is the one that dray asks for. */
function sparseRuns(headers: Buffer, { name, type }: TarEntry): Run[] {
  const runs: Run[] = []
  let offset: number | undefined
  for (const [key, value] of extendedRecords(headers)) {
    if (key === 'GNU.sparse.offset') offset = Number(value)
    if (key === 'GNU.sparse.numbytes' && offset !== undefined) runs.push({ offset, bytes: Number(value) })
  }
  if (runs.length === 0 || type === 'S') throw new DrayError('unverifiable', `"${name.toString()}" is a sparse file in a form that dray does not write`)
  return runs
}

function* extendedRecords(headers: Buffer): Generator<[string, Buffer]> {
  for (let at = 0; at < headers.length; ) {
    const header = parseTarHeader(headers.subarray(at, at + blockBytes), at)
    at += blockBytes
    if (!'xgLK'.includes(header.type)) return
    const size = numberIn(header, fields.size)
    if (header.type === 'x') yield* paxRecordsIn(headers.subarray(at, at + size), at)
    at += Math.ceil(size / blockBytes) * blockBytes
  }
}
