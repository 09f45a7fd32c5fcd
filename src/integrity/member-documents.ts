import { Readable } from 'node:stream'
import { missingBlob, wrongBlob, type BlobReader } from '../store/blob-reader.ts'
import type { Digest } from '../store/oci.ts'
import { blobPath } from './check-oci-manifest.ts'
import type { Members } from './member.ts'

const where = 'the archive'

/** The documents among the blobs of an archive or layout: the rest of it has passed, and only their digests are known. */
export class MemberDocuments implements BlobReader {
  readonly #members: Members

  constructor(members: Members) {
    this.#members = members
  }

  async stat(digest: Digest): Promise<{ readonly size: number } | undefined> {
    const file = await this.#members.find(blobPath(digest))
    return file === undefined || 'broken' in file ? undefined : { size: file.size }
  }

  async read(digest: Digest): Promise<Buffer> {
    const file = await this.#members.find(blobPath(digest))
    if (file === undefined || 'broken' in file) throw missingBlob(digest, where)
    if (file.digest !== digest) throw wrongBlob(digest, where, 'does not have the content that its name says')
    if (file.content.kind !== 'document') throw wrongBlob(digest, where, 'is no document')
    return file.content.bytes
  }

  openRead(digest: Digest): Readable {
    const read = async function* (this: MemberDocuments): AsyncGenerator<Buffer> {
      yield await this.read(digest)
    }
    return Readable.from(read.call(this), { objectMode: false })
  }
}
