import type { EntryType, ListedEntry } from './mount-access.ts'

/**
 * What find prints for one entry: ten fields without spaces, then the path, ended by NUL. The path comes last so that
 * sort's key is the rest of the record, whatever bytes it holds.
 */
export const findFormat = '%y %s %m %U %G %T@ %C@ %i %n %D %p\\0'
export const sortArguments = '-z -s -t " " -k 11 -S 64M'

export type FoundEntry = ListedEntry & { readonly device: string }

const types = 'fdlpcbs'

/** Parses one record; throws for anything that is not one. Times before 1970 are the second below plus the nanoseconds, as in a timespec. */
export function parseFoundEntry(record: Buffer): FoundEntry {
  let at = 0
  for (let field = 0; field < 10; field++) at = record.indexOf(0x20, at) + 1
  const [type, size, mode, uid, gid, mtime, ctime, inode, links, device] = record.toString('latin1', 0, at).split(' ')
  if (type === undefined || !types.includes(type) || size === undefined || mode === undefined || uid === undefined || gid === undefined || mtime === undefined || ctime === undefined || inode === undefined || links === undefined || device === undefined) {
    throw new Error(`find gave a record that cannot be understood: ${record.toString('latin1')}`)
  }
  return {
    path: record.subarray(at),
    type: type as EntryType,
    size: Number(size),
    mode: Number.parseInt(mode, 8),
    uid: Number(uid),
    gid: Number(gid),
    mtime: nineDigits(mtime),
    ctime: nineDigits(ctime),
    inode,
    links: Number(links),
    device,
  }
}

/** find prints ten digits of fraction, the last one always 0, or none. */
function nineDigits(time: string): string {
  const dot = time.indexOf('.')
  return dot === -1 ? `${time}.000000000` : time.slice(0, dot + 10).padEnd(dot + 10, '0')
}
