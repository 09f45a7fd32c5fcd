import { isDigest } from '../store/digest.ts'
import type { Checking } from './check-file.ts'

const known = /^(?:manifest\.json|index\.json|oci-layout|repositories|[0-9a-f]{64}\/(?:json|VERSION|layer\.tar)|[0-9a-f]{64}\.json)$/

/** What no image needs may be there. A blob has the content that its name says all the same. */
export async function checkUnreferenced({ members, findings, referenced }: Checking): Promise<void> {
  for (const name of members.names()) {
    if (referenced.has(name) || known.test(name)) continue
    findings.add('not-referenced', { member: name })
    const digest = `sha256:${/^blobs\/sha256\/(.*)$/.exec(name)?.[1] ?? ''}`
    const member = isDigest(digest) ? await members.find(name) : undefined
    if (member !== undefined && 'digest' in member && member.digest !== digest) findings.add('digest-mismatch', { member: name, expected: digest, found: member.digest })
  }
}
