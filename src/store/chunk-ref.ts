import type { Codec } from '../archive/codec.ts'
import { mediaTypes, type Digest } from './oci.ts'

/** A run of bytes of a stream, and the blob that holds it compressed. */
export type ChunkRef = {
  /** The sha256 of the plain bytes in hex: what an unchanged chunk is recognised by. */
  readonly key: string
  /** Of the plain bytes. */
  readonly length: number
  readonly digest: Digest
  /** Of the blob. */
  readonly size: number
  readonly codec: Codec
}

/** `forced`: it ends where the writer of the stream said so, not where its content did. */
export type ContentChunk = ChunkRef & { readonly forced: boolean }

export function chunkMediaType(codec: Codec): string {
  return codec === 'zstd' ? mediaTypes.chunkZstd : mediaTypes.chunkGzip
}

export function tocMediaType(codec: Codec): string {
  return codec === 'zstd' ? mediaTypes.tocZstd : mediaTypes.tocGzip
}

/** Undefined for the media type of anything that is not compressed chunk by chunk. */
export function kindOfMediaType(mediaType: string): { readonly kind: 'chunk' | 'toc'; readonly codec: Codec } | undefined {
  switch (mediaType) {
    case mediaTypes.chunkZstd: return { kind: 'chunk', codec: 'zstd' }
    case mediaTypes.chunkGzip: return { kind: 'chunk', codec: 'gzip' }
    case mediaTypes.tocZstd: return { kind: 'toc', codec: 'zstd' }
    case mediaTypes.tocGzip: return { kind: 'toc', codec: 'gzip' }
    default: return undefined
  }
}

export function bytesOf(chunks: readonly ChunkRef[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0)
}
