import { createHash, hash as hashAll } from 'node:crypto'
import { DrayError } from '../errors/dray-error.ts'
import type { Digest } from './oci.ts'

/** Of the bytes, or of the pieces one after the other. */
export function digestOf(...pieces: readonly Uint8Array[]): Digest {
  const [only] = pieces
  if (only !== undefined && pieces.length === 1) return `sha256:${hashAll('sha256', only, 'hex')}`
  const hash = createHash('sha256')
  for (const piece of pieces) hash.update(piece)
  return `sha256:${hash.digest('hex')}`
}

export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && /^sha256:[0-9a-f]{64}$/.test(text)
}

/** The 64 hex digits, which are a file's name: anything else is refused, as digests come out of files. */
export function hexOf(digest: Digest): string {
  if (!isDigest(digest)) throw new DrayError('damaged', `"${String(digest)}" is not a sha256 digest`)
  return digest.slice('sha256:'.length)
}

/** A JSON array of digests; what is none of it counts as nothing. */
export function readDigests(text: string | undefined): Digest[] {
  try {
    const list: unknown = JSON.parse(text ?? '[]')
    return Array.isArray(list) ? list.filter((each): each is Digest => typeof each === 'string' && isDigest(each)) : []
  } catch {
    return []
  }
}
