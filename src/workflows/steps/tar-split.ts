/**
 * Classic engines keep of each layer its files in a directory, and a record of the rest of its tar: headers, padding and the
 * order of the files (tar-split). Both together are the layer again, byte for byte.
 */
import { decompress } from '../../archive/decompress-stream.ts'
import { ByteSource } from '../../archive/byte-source.ts'
import { readNdjson } from '../../engine/ndjson.ts'
import { DrayError } from '../../errors/dray-error.ts'

/** What there is to know before the files are read. */
export type TarSplitSummary = {
  /** Of the whole tar. */
  readonly bytes: number
  /** Names of the files that have content, relative to the layer's directory, in the order in which they are needed. */
  readonly files: readonly Buffer[]
}

type Part = { readonly kind: 'bytes'; readonly bytes: Buffer } | { readonly kind: 'file'; readonly name: Buffer; readonly size: number }

/** Throws `damaged` for what is no such record. */
export async function summarizeTarSplit(record: Buffer): Promise<TarSplitSummary> {
  const files: Buffer[] = []
  let bytes = 0
  for await (const part of partsOf(record)) {
    bytes += part.kind === 'bytes' ? part.bytes.length : part.size
    if (part.kind === 'file' && part.size > 0) files.push(part.name)
  }
  return { bytes, files }
}

/** The tar. `contents` are the files of the summary one after the other. Throws `damaged` when they are fewer or more bytes. */
export async function* joinTarSplit(record: Buffer, contents: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const source = new ByteSource(contents)
  try {
    for await (const part of partsOf(record)) {
      if (part.kind === 'bytes') yield part.bytes
      else yield* exactly(source, part)
    }
    if (!(await source.hasEnded())) throw new DrayError('damaged', 'the files of a layer have more content than its record says')
  } finally {
    await source.close()
  }
}

async function* exactly(source: ByteSource, { name, size }: { readonly name: Buffer; readonly size: number }): AsyncGenerator<Buffer> {
  for (let left = size; left > 0; ) {
    const piece = await source.next()
    if (piece === undefined) throw new DrayError('damaged', `the files of a layer end within "${name.toString()}"`)
    if (piece.length > left) source.giveBack(piece.subarray(left))
    yield piece.length > left ? piece.subarray(0, left) : piece
    left -= Math.min(left, piece.length)
  }
}

const fileType = 1
const segmentType = 2

async function* partsOf(record: Buffer): AsyncGenerator<Part> {
  for await (const line of readNdjson(decompress('gzip', pieces(record)))) {
    const { type, name, name_raw: rawName, size = 0, payload } = line as { type?: unknown; name?: unknown; name_raw?: unknown; size?: unknown; payload?: unknown }
    if (type === segmentType && typeof payload === 'string') yield { kind: 'bytes', bytes: Buffer.from(payload, 'base64') }
    else if (type === fileType && typeof size === 'number' && Number.isSafeInteger(size) && size >= 0) yield { kind: 'file', size, name: typeof rawName === 'string' ? Buffer.from(rawName, 'base64') : Buffer.from(String(name)) }
    else throw new DrayError('damaged', 'the record of a layer holds what dray does not know')
  }
}

// eslint-disable-next-line @typescript-eslint/require-await -- a decoder takes what comes in time
async function* pieces(record: Buffer): AsyncGenerator<Buffer> {
  yield record
}
