import type { Compression } from '../archive/codec.ts'
import type { Digest } from '../store/oci.ts'

/** What a file of an archive or layout is, known after it has passed once. */
export type FileMember<Content = MemberContent> = {
  readonly kind: 'file'
  readonly name: string
  readonly size: number
  /** Of its bytes as they are. */
  readonly digest: Digest
  readonly content: Content
}

/** Of a document its bytes; anything else is known by what it unpacks to. */
export type MemberContent =
  | { readonly kind: 'document'; readonly bytes: Buffer }
  /** A document by its beginning, and too large for one. */
  | { readonly kind: 'too large' }
  | DataContent

/** A document that is not kept in memory: its bytes can be read again, from that position of where it was put. */
export type PutAside = { readonly kind: 'put aside'; readonly position: number }

/** One that has passed, before anybody asks for it. */
export type PassedFile = FileMember<MemberContent | PutAside>

export type DataContent = {
  readonly kind: 'data'
  readonly compression: Compression
  /** Of what it unpacks to. Undefined when that could not be read to its end. */
  readonly plainDigest: Digest | undefined
  readonly plainBytes: number
  readonly isTar: boolean
  readonly problem?: DataProblem
}

export type DataProblem = { readonly code: 'layer-damaged' | 'layer-end' | 'layer-expands' | 'memory-excessive'; readonly words: string }

export type LinkMember = { readonly kind: 'link'; readonly name: string; readonly target: string; readonly hard: boolean }
export type OtherMember = { readonly kind: 'other'; readonly name: string; readonly what: string }
export type Member = PassedFile | LinkMember | OtherMember

/** Something of that name, from which nothing can be read. */
export type BrokenMember = { readonly broken: string; readonly code: 'member-not-a-file' | 'path-unsafe' }

/** Where the files of images are: an archive that was read through, or the directory of a layout. */
export interface Members {
  /** By its clean path. Links are followed inside only. */
  find(path: string): Promise<FileMember | BrokenMember | undefined>
  /** That these will be asked for, where reading them takes time. */
  prepare(paths: readonly string[]): void
  /** Clean paths of everything that is there. */
  names(): Iterable<string>
  /** How many that are. */
  readonly size: number
}

/** They say what is in an archive, so they are kept whatever came before. */
export const rootDocuments: ReadonlySet<string> = new Set(['manifest.json', 'index.json', 'oci-layout', 'repositories'])

/** Without "./", doubled slashes and a leading slash, as loaders read names. Undefined when it leads out. */
export function cleanPath(path: string): string | undefined {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) return undefined
  }
  return parts.join('/')
}
