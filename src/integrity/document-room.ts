import type { Member } from './member.ts'

const mostBytes = { small: 24 * 1024 * 1024, large: 16 * 1024 * 1024 }
/** Larger ones must not take the room of configs. */
const smallBytes = 64 * 1024
/** They say what is in the archive, so they are kept whatever came before. */
export const rootDocuments: ReadonlySet<string> = new Set(['manifest.json', 'index.json', 'oci-layout', 'repositories'])

/** Documents are kept until the end, when it is known which of them count: so many bytes of them. */
export class DocumentRoom {
  readonly #usedBytes = { small: 0, large: 0 }

  /** The member; without its content when there is no room. */
  bounded<T extends Member>(path: string, member: T): T {
    if (member.kind !== 'file' || member.content.kind !== 'document') return member
    const kind = member.size <= smallBytes ? 'small' : 'large'
    this.#usedBytes[kind] += member.size
    return this.#usedBytes[kind] <= mostBytes[kind] || rootDocuments.has(path) ? member : { ...member, content: { kind: 'too large' } }
  }
}
