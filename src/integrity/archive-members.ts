import type { Readable } from 'node:stream'
import { readImageArchive } from '../archive/image-archive.ts'
import { DrayError } from '../errors/dray-error.ts'
import type { Findings } from './finding.ts'
import { cleanPath, type FileMember, type LinkMember, type Member, type Members } from './member.ts'
import { readMember } from './read-member.ts'

/** Documents are kept until the end, when it is known which of them count. */
const mostDocumentBytes = 64 * 1024 * 1024
const mostLinks = 40

/** What a tar holds, read through once. What is wrong with the tar itself is a finding; everything before that place is there. */
export async function readArchiveMembers(stream: Readable, findings: Findings, signal: AbortSignal): Promise<ArchiveMembers> {
  const members = new ArchiveMembers(findings)
  try {
    await readImageArchive(stream, {
      onMember: async (name, size, body) => {
        members.begin(name)
        members.add(await readMember(name, size, body))
      },
      onLink: (name, target, kind) => members.add({ kind: 'link', name, target, hard: kind === 'hard' }),
      onOther: ({ name, type }) => members.add({ kind: 'other', name: name.toString(), what: describeType(type) }),
      signal,
    })
  } catch (thrown) {
    if (!(thrown instanceof DrayError) || thrown.code !== 'damaged') throw thrown
    const code = thrown.message.includes('by the message') ? 'engine-message' : /is cut|no end blocks/.test(thrown.message) ? 'archive-cut' : 'archive-malformed'
    findings.add(code, { found: thrown.message })
  }
  return members
}

export class ArchiveMembers implements Members {
  readonly #members = new Map<string, Member>()
  readonly #begun = new Set<string>()
  readonly #findings: Findings
  #documentBytes = 0

  constructor(findings: Findings) {
    this.#findings = findings
  }

  names(): readonly string[] {
    return [...this.#members.keys()]
  }

  /** Also those that were cut. */
  get begun(): ReadonlySet<string> {
    return this.#begun
  }

  begin(name: string): void {
    this.#begun.add(cleanPath(name) ?? name)
  }

  add(member: Member): void {
    const path = cleanPath(member.name)
    if (path === undefined) {
      this.#findings.add('path-unsafe', { member: member.name })
      return
    }
    const before = this.#members.get(path)
    if (before !== undefined) this.#findings.add(isSame(before, member) ? 'member-doubled' : 'member-differs', { member: path })
    this.#members.set(path, this.#bounded(member))
  }

  find(path: string): Promise<FileMember | { readonly broken: string } | undefined> {
    return Promise.resolve(this.#find(path))
  }

  #find(path: string): FileMember | { readonly broken: string } | undefined {
    let at = cleanPath(path)
    for (let links = 0; links < mostLinks; links++) {
      if (at === undefined) return { broken: 'leads out of the archive' }
      const member = this.#members.get(at)
      if (member === undefined) return links === 0 ? undefined : { broken: `is a link to "${at}", which is not there` }
      if (member.kind === 'file') return member
      if (member.kind === 'other') return { broken: `is ${member.what}` }
      at = targetOf(at, member)
    }
    return { broken: 'is a link in a circle' }
  }

  #bounded(member: Member): Member {
    if (member.kind !== 'file' || member.content.kind !== 'document') return member
    this.#documentBytes += member.content.bytes.length
    return this.#documentBytes <= mostDocumentBytes ? member : { ...member, content: { kind: 'too large' } }
  }
}

/** A symbolic link starts from its own directory, a hard link from the root of the archive. */
function targetOf(path: string, { target, hard }: LinkMember): string | undefined {
  if (hard) return cleanPath(target)
  if (target.startsWith('/')) return undefined
  return cleanPath([...path.split('/').slice(0, -1), target].join('/'))
}

function isSame(one: Member, other: Member): boolean {
  if (one.kind === 'file' && other.kind === 'file') return one.digest === other.digest
  return one.kind === 'link' && other.kind === 'link' && one.target === other.target && one.hard === other.hard
}

function describeType(type: string): string {
  const names: Record<string, string> = { '3': 'a character device', '4': 'a block device', '6': 'a fifo' }
  return names[type] ?? `a member of type "${type}"`
}
