import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { decompressStream } from '../archive/decompress-stream.ts'
import type { Digest } from './oci.ts'

/** Asked with the diffID when all bytes of a layer have passed. False, or what it throws, keeps them from being stored. */
export type Decision = (diffId: Digest) => boolean | Promise<boolean>

/** Ends the writing of a blob that turned out not to be wanted. */
export class NotKept extends Error {}

/** Hands a plain layer on and decides at its end. */
export async function* decidedLayer(tar: AsyncIterable<Buffer>, isWanted: Decision): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  for await (const bytes of tar) {
    hash.update(bytes)
    yield bytes
  }
  if (!(await isWanted(`sha256:${hash.digest('hex')}`))) throw new NotKept()
}

/** Hands a compressed layer on as it is, decompresses it beside for its diffID, in step, and decides at its end. Throws `damaged`. */
export async function* decidedCompressedLayer(blob: AsyncIterable<Buffer>, compression: 'gzip' | 'zstd', isWanted: Decision): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  const decoder = decompressStream(compression)
  const hashing = pipeline(decoder, async (plain: AsyncIterable<Buffer>) => {
    for await (const bytes of plain) hash.update(bytes)
  })
  hashing.catch(() => undefined)
  try {
    for await (const bytes of blob) {
      if (!decoder.write(bytes)) await Promise.race([once(decoder, 'drain'), hashing])
      yield bytes
    }
    decoder.end()
    await hashing
  } finally {
    decoder.destroy()
  }
  if (!(await isWanted(`sha256:${hash.digest('hex')}`))) throw new NotKept()
}
