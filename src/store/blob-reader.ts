import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { DrayError } from '../errors/dray-error.ts'
import type { Digest } from './oci.ts'

export type BlobReadOptions = {
  readonly maxBytes?: number
  /** For callers that verify what is inside the blob themselves. */
  readonly unverified?: boolean
  /** It is a manifest or an index: registries keep them apart. */
  readonly isManifest?: boolean
}

/** Where blobs come from: a repository directory, an export, a registry. What it hands out is verified. */
export interface BlobReader {
  /** Undefined when the blob is not there. */
  stat(digest: Digest): Promise<{ readonly size: number } | undefined>
  /** A small blob whole. Throws `damaged` when it is missing, longer than `maxBytes`, or not what its digest says. */
  read(digest: Digest, options?: BlobReadOptions): Promise<Buffer>
  /** Fails at its end with `damaged` when the bytes were not those of the digest (and of the size, where it is known). */
  openRead(digest: Digest, expected?: { readonly size?: number }): Readable
  /** Where each blob is a file of its own: its path now, whether it is there or not. */
  pathOf?(digest: Digest): string
}

/** Manifests, configs and chunks. Layers and other large blobs are streamed. */
export const smallBlobBytes = 64 * 1024 * 1024

/** Also met while something is backed up: what an older backup is good for, those who restore say. */
export const whatIsLost = 'what is lost, and what to do about it: dray verify'

export function missingBlob(digest: Digest, where: string): DrayError {
  return new DrayError('damaged', `blob "${digest}" is missing in "${where}"`, { hints: [whatIsLost] })
}

export function wrongBlob(digest: Digest, where: string, what: string): DrayError {
  return new DrayError('damaged', `blob "${digest}" in "${where}" ${what}`, { hints: [whatIsLost] })
}

/** Hands the bytes on and throws `damaged` at their end unless they were the blob's. */
export function verifying(source: AsyncIterable<Buffer>, digest: Digest, where: string, size?: number): Readable {
  return Readable.from(verified(source, digest, where, size), { objectMode: false })
}

async function* verified(source: AsyncIterable<Buffer>, digest: Digest, where: string, size: number | undefined): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const piece of source) {
    hash.update(piece)
    bytes += piece.length
    if (size !== undefined && bytes > size) break
    yield piece
  }
  if (size !== undefined && bytes !== size) throw wrongBlob(digest, where, `has ${bytes > size ? 'more' : 'fewer'} than its ${size} bytes`)
  if (`sha256:${hash.digest('hex')}` !== digest) throw wrongBlob(digest, where, 'does not have the content that its name says')
}
