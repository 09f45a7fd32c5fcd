import { DigestSet } from '../store/digest-set.ts'
import { isDigest } from '../store/digest.ts'
import { BlobMembers } from './blob-members.ts'
import { cleanPath } from './member.ts'

/** Paths of files in an archive, by their clean paths. Those of blobs take 40 bytes each. */
export class NameSet {
  readonly #blobs = new DigestSet()
  readonly #others = new Set<string | undefined>()

  add(path: string): void {
    const clean = cleanPath(path)
    const digest = digestIn(clean)
    if (isDigest(digest)) this.#blobs.add(digest)
    else this.#others.add(clean)
  }

  has(path: string): boolean {
    const digest = digestIn(path)
    return isDigest(digest) ? this.#blobs.has(digest) : this.#others.has(path)
  }
}

function digestIn(path: string | undefined): string | undefined {
  return path !== undefined && BlobMembers.isName(path) ? `sha256:${path.slice(-64)}` : undefined
}
