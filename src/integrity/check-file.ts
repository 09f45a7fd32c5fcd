import { isDigest } from '../store/digest.ts'
import type { Digest } from '../store/oci.ts'
import type { Findings, View } from './finding.ts'
import { isObject, parseJson, type JsonObject, type JsonValue } from './json-document.ts'
import type { FileMember, Members } from './member.ts'
import type { NameSet } from './name-set.ts'

/** What the checks of both views share: the files, and where to say what is wrong with them. */
export type Checking = {
  readonly members: Members
  readonly findings: Findings
  readonly referenced: NameSet
  /** What to say of a file that is not there. */
  readonly missing: 'member-missing' | 'left-out'
  /** Paths of foreign layers, which may be absent, and where they can be fetched. */
  readonly foreign?: ReadonlyMap<string, string>
}

/** The file of that path, or a finding. */
export async function requireFile({ members, findings, referenced, missing, foreign }: Checking, path: string, view: View): Promise<FileMember | undefined> {
  referenced.add(path)
  const member = await members.find(path)
  if (member === undefined) {
    const addresses = foreign?.get(path)
    if (addresses !== undefined) findings.add('foreign-layer', { member: path, view, found: addresses })
    else findings.add(path.startsWith('blobs/') ? missing : 'member-missing', { member: path, view })
    return undefined
  }
  if ('broken' in member) {
    findings.add(member.code, { member: path, view, found: member.broken })
    return undefined
  }
  referenced.add(member.name)
  return member
}

/** The document in a file, or a finding. */
export function parseDocument({ findings }: Checking, member: FileMember, view: View): JsonValue | undefined {
  if (member.content.kind === 'too large') {
    findings.add('document-too-large', { member: member.name, view, found: `${member.size} bytes` })
    return undefined
  }
  const parsed = member.content.kind === 'document' ? parseJson(member.content.bytes) : { problem: { code: 'json-unreadable' as const, words: 'it is no JSON of an image' } }
  if ('value' in parsed) return parsed.value
  findings.add(parsed.problem.code, { member: member.name, view, found: parsed.problem.words })
  return undefined
}

export function parseObject(checking: Checking, member: FileMember, view: View): JsonObject | undefined {
  const value = parseDocument(checking, member, view)
  if (value === undefined || isObject(value)) return value
  checking.findings.add('json-unreadable', { member: member.name, view, found: 'it is not an object' })
  return undefined
}

/** A digest that can be checked, or a finding. */
export function requireDigest({ findings }: Checking, digest: JsonValue | undefined, member: string, view: View): Digest | undefined {
  if (isDigest(digest)) return digest
  const isOther = typeof digest === 'string' && /^sha512:[0-9a-f]{128}$/.test(digest)
  findings.add(isOther ? 'digest-unverified' : 'digest-unsupported', { member, view, found: JSON.stringify(digest ?? null).slice(0, 100) })
  return undefined
}

/** Compares what a file is with what is said of it. */
export function compareDigest({ findings }: Checking, { name, digest }: FileMember, expected: Digest, view: View): void {
  if (digest !== expected) findings.add('digest-mismatch', { member: name, view, expected, found: digest })
}
