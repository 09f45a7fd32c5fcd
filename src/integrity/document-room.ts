import type { Member } from './member.ts'

const mostDocumentBytes = 24 * 1024 * 1024
/** They say what is in the archive, so they are kept whatever came before. */
export const rootDocuments: ReadonlySet<string> = new Set(['manifest.json', 'index.json', 'oci-layout', 'repositories'])

/** Documents are kept until the end, when it is known which of them count: so many bytes of them. */
export class DocumentRoom {
  #usedBytes = 0

  /** The member; without its content when there is no room. */
  bounded<T extends Member>(path: string, member: T): T {
    if (member.kind !== 'file' || member.content.kind !== 'document') return member
    this.#usedBytes += member.content.bytes.length
    return this.#usedBytes <= mostDocumentBytes || rootDocuments.has(path) ? member : { ...member, content: { kind: 'too large' } }
  }
}
