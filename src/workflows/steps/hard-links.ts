import { hash } from 'node:crypto'
import type { ListedEntry } from '../../mounts/mount-access.ts'
import type { TocEntry } from '../../store/toc-entry.ts'

/**
 * The names of an inode belong together: tar writes the file once and names the rest as links to it. They are kept together,
 * or read together; when a directory is renamed one name moves without the inode's ctime telling.
 * Holds one digest per inode that has several names, some hundred bytes.
 */
export class HardLinkGroups {
  private readonly groups = new Map<string, string>()

  addListed(entries: readonly ListedEntry[]): void {
    for (const entry of entries) {
      if (entry.links > 1 && entry.type !== 'd') this.add(entry.inode, entry.path)
    }
  }

  addKnown(entries: readonly TocEntry[]): void {
    for (const entry of entries) {
      if (entry.inode !== undefined && (entry.links ?? 1) > 1 && entry.type !== 'd') this.add(entry.inode, entry.path)
    }
  }

  /** The inodes that have the same names in both. */
  sameAs(other: HardLinkGroups): ReadonlySet<string> {
    return new Set([...this.groups].filter(([inode, digest]) => other.groups.get(inode) === digest).map(([inode]) => inode))
  }

  /** Whether the inode has the same names in both. */
  isSame(other: HardLinkGroups, inode: string): boolean {
    const digest = this.groups.get(inode)
    return digest !== undefined && other.groups.get(inode) === digest
  }

  equals(other: HardLinkGroups): boolean {
    return this.groups.size === other.groups.size && [...this.groups].every(([inode, digest]) => other.groups.get(inode) === digest)
  }

  private add(inode: string, path: Buffer): void {
    this.groups.set(inode, hash('sha1', Buffer.concat([Buffer.from(this.groups.get(inode) ?? ''), path]), 'base64'))
  }
}
