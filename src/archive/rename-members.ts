import { extendedHeader } from './pax-header.ts'
import { fileContent } from './file-content.ts'
import { membersOf, type LayerMember } from './layer-members.ts'
import type { TarEntry } from './tar-entry.ts'
import { blockBytes, fields, sealTarHeader } from './tar-header.ts'

export type MemberRenaming = {
  /** The name that a member, or the target of a hard link, is to have; undefined leaves it out, with its data. */
  readonly rename: (name: Buffer) => Buffer | undefined
  readonly onEntry?: (entry: TarEntry, name: Buffer) => void
  readonly onLeftOut?: (entry: TarEntry) => void
}

const nameAt = { from: 0, to: 100 } as const
const prefixAt = { from: 345, to: 500 } as const
const replacedRecords = /^(?:path|linkpath|size|GNU\.sparse\..*)$/

/**
 * The members of a tar under other names, with every attribute that their headers hold; without its end blocks. Files with holes are written in
 * full, which every reader understands. Throws `damaged` unless the tar is whole.
 */
export async function* renameMembers(tar: AsyncIterable<Buffer>, { rename, onEntry, onLeftOut }: MemberRenaming): AsyncGenerator<Buffer> {
  for await (const member of membersOf(tar)) {
    const { entry, body } = member
    const name = rename(entry.name)
    const linkName = entry.type === '1' ? rename(entry.linkName) : entry.linkName
    if (name === undefined || linkName === undefined) {
      onLeftOut?.(entry)
      while ((await body.next()).done !== true);
      continue
    }
    onEntry?.(entry, name)
    yield headerOf(member, name, linkName)
    if (!entry.sparse) yield* body
    else yield* dense(member)
  }
}

async function* dense({ entry, headers, body }: LayerMember): AsyncGenerator<Buffer> {
  async function* record(): AsyncGenerator<Buffer> {
    yield* headers
    yield* body
  }
  yield* fileContent(record())
  const padding = -entry.realSize & (blockBytes - 1)
  if (padding > 0) yield Buffer.alloc(padding)
}

function headerOf({ entry, headers }: LayerMember, name: Buffer, linkName: Buffer): Buffer {
  const records = new Map([...entry.paxRecords].filter(([key]) => !replacedRecords.test(key)))
  records.set('path', name)
  if (entry.type === '1' || entry.type === '2') records.set('linkpath', linkName)
  const size = entry.sparse ? entry.realSize : entry.size
  records.set('size', Buffer.from(String(size)))
  const own = Buffer.from(Buffer.concat(headers).subarray(-blockBytes))
  own.fill(0, nameAt.from, nameAt.to)
  own.write('drayage', nameAt.from)
  own.fill(0, prefixAt.from, prefixAt.to)
  own.write(`${(size % 0o100000000000).toString(8).padStart(11, '0')}\0`, fields.size.at)
  return Buffer.concat([extendedHeader(records), sealTarHeader(own)])
}
