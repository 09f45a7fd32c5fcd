import { PackedRecords } from '../../archive/packed-records.ts'
import type { EntryType, ListedEntry } from '../../mounts/mount-access.ts'

const fields = 9

/** A listing kept compressed in memory, in its order. May be walked as often as wanted, but not while entries are added. */
export class PackedListing {
  private readonly records = new PackedRecords()
  /** Sum of the files' sizes. */
  dataBytes = 0

  get entries(): number {
    return this.records.records
  }

  add({ path, type, size, mode, uid, gid, mtime, ctime, inode, links }: ListedEntry): void {
    this.records.add(Buffer.concat([Buffer.from(`${type} ${size} ${mode} ${uid} ${gid} ${mtime} ${ctime} ${inode} ${links} `), path]))
    if (type === 'f') this.dataBytes += size
  }

  *batches(): Generator<ListedEntry[]> {
    for (const records of this.records.batches()) yield records.map(toEntry)
  }

  *[Symbol.iterator](): Generator<ListedEntry> {
    for (const batch of this.batches()) yield* batch
  }
}

function toEntry(record: Buffer): ListedEntry {
  let at = 0
  for (let field = 0; field < fields; field++) at = record.indexOf(0x20, at) + 1
  const [type = '', size, mode, uid, gid, mtime = '', ctime = '', inode = '', links] = record.toString('latin1', 0, at).split(' ')
  return { path: record.subarray(at), type: type as EntryType, size: Number(size), mode: Number(mode), uid: Number(uid), gid: Number(gid), mtime, ctime, inode, links: Number(links) }
}
