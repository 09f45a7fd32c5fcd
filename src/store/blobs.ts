import type { Codec } from '../archive/codec.ts'
import type { BlobReader } from './blob-reader.ts'
import type { BlobProblem, ReadingState } from './check-blob.ts'
import type { Descriptor, Digest } from './oci.ts'

export type BlobStat = { readonly size: number; readonly mtimeMs?: number }
export type Expected = { readonly digest?: Digest; readonly size?: number }

/** The blobs of a repository, wherever it is. What is put is there for good after flush(). */
export interface Blobs extends BlobReader {
  /** Stores the bytes unless they are there. `bytes` must not change before this settles. */
  put(bytes: Uint8Array, mediaType: string, annotations?: Readonly<Record<string, string>>): Promise<Descriptor>
  /** The same for a stream, hashed in passing. Throws `damaged`, and keeps nothing, when it is not what was expected. */
  putStream(source: AsyncIterable<Uint8Array>, mediaType: string, expected?: Expected): Promise<Descriptor>
  /** Compresses the bytes, whose memory is shared between threads, and stores what becomes of them. */
  putChunk(plain: Buffer, codec: Codec): Promise<{ readonly digest: Digest; readonly size: number }>
  has(digest: Digest): Promise<boolean>
  stat(digest: Digest): Promise<BlobStat | undefined>
  /** True when the blob is there with this size; it is kept from the next prune. */
  refresh(digest: Digest, size?: number): Promise<boolean>
  /** The same for many: returns those that are missing or have another size than the one given. */
  touch(wanted: Iterable<Digest | { readonly digest: Digest; readonly size: number }>): Promise<Digest[]>
  /** Reads a blob to its end, and says what is wrong with it. */
  check(blob: Pick<Descriptor, 'digest' | 'size'>, state?: ReadingState): Promise<BlobProblem | undefined>
  /** The same without reading it. */
  look(blob: Pick<Descriptor, 'digest' | 'size'>): Promise<BlobProblem | undefined>
  /** Whether it is there with its size, at once: only where waiting for each would take longer. */
  statNow?(digest: Digest): BlobStat | undefined
  /** Moves a bad blob aside, so that the next backup stores it again. Not where nothing can be moved. */
  quarantine?(digest: Digest): Promise<void>
  /** Puts a blob that was moved aside, and is sound all the same, back to its place. False when there is none. */
  putBack?(blob: Pick<Descriptor, 'digest' | 'size'>): Promise<boolean>
  flush(): Promise<void>
  /** Gives up what was not flushed. */
  discard(): Promise<void>
}
