import { DrayError } from '../errors/dray-error.ts'
import { paxRecords, type MemberHeaders } from './tar-members.ts'

/** Where the archive endpoints see the mount. One letter, so that "./a" becomes "v/a" without a change of length. */
export const archiveMount = '/v'

const dot = 0x2e
const letter = archiveMount.charCodeAt(1)
const isHardLink = (header: Buffer) => header[156] === 0x31

/**
 * Makes the names "./a" of a member, and the target of a hard link, into "v/a": PUT at "/" with such names is the only form
 * in which every engine takes a relative symbolic link that leaves the mount (ENGINE-FACTS 3.2).
 */
export function prefixNames({ extended, header }: MemberHeaders): true {
  let named = false
  let linked = false
  for (const { header: own, payload } of extended) {
    const type = String.fromCharCode(own[156] ?? 0)
    if (type === 'x') {
      for (const { key, from } of paxRecords(payload)) {
        if (key === 'path' || key === 'GNU.sparse.name') replaceDot(payload, from)
        if (key === 'linkpath' && isHardLink(header)) replaceDot(payload, from)
        named ||= key === 'path' || key === 'GNU.sparse.name'
        linked ||= key === 'linkpath'
      }
    }
    if (type === 'L') replaceDot(payload, 0)
    if (type === 'K' && isHardLink(header)) replaceDot(payload, 0)
    named ||= type === 'L'
    linked ||= type === 'K'
  }
  const isUstar = header.toString('latin1', 257, 263) === 'ustar\0'
  const nameAt = isUstar && header[345] !== 0 ? 345 : 0
  if (!named || header[nameAt] === dot) replaceDot(header, nameAt)
  if (isHardLink(header) && (!linked || header[157] === dot)) replaceDot(header, 157)
  return true
}

function replaceDot(bytes: Buffer, at: number): void {
  const next = bytes[at + 1]
  if (bytes[at] !== dot || (next !== 0x2f && next !== 0 && next !== undefined && next !== 0x0a)) throw new DrayError('damaged', 'a tar of a mount has a name that does not begin with "./"')
  bytes[at] = letter
}
