import type { ImageArchiveMember } from '../../archive/write-image-archive.ts'
import type { BlobReader } from '../../store/blob-reader.ts'
import type { Digest } from '../../store/oci.ts'
import { blobPath } from './exported-images.ts'

/** Larger blobs are streamed. Chunks have 8 MiB at most. */
const mostWholeBytes = 9 * 1024 * 1024
const readAhead = 4

type Sized = { readonly digest: Digest; readonly bytes: number }

/** Every blob, read once and verified: small ones a few ahead, and before anything of them is written. Throws `damaged`. */
export async function* exportMembers(blobs: BlobReader, wanted: Iterable<Sized>): AsyncGenerator<ImageArchiveMember> {
  const ahead: (() => Promise<ImageArchiveMember>)[] = []
  for (const each of wanted) {
    ahead.push(begin(blobs, each))
    if (ahead.length > readAhead) yield await next(ahead)
  }
  while (ahead.length > 0) yield await next(ahead)
}

async function next(ahead: (() => Promise<ImageArchiveMember>)[]): Promise<ImageArchiveMember> {
  const first = ahead.shift()
  if (first === undefined) throw new RangeError('no blob was begun')
  return await first()
}

function begin(blobs: BlobReader, { digest, bytes }: Sized): () => Promise<ImageArchiveMember> {
  const name = blobPath({ digest })
  if (bytes > mostWholeBytes) return () => Promise.resolve({ name, size: bytes, body: blobs.openRead(digest, { size: bytes }) as AsyncIterable<Buffer> })
  const reading = blobs.read(digest, { maxBytes: bytes })
  // its turn comes, or an earlier one has failed
  reading.catch(() => undefined)
  return async () => {
    const body = await reading
    return { name, size: bytes, body }
  }
}
