import { createHash, type Hash } from 'node:crypto'
import type { ListedEntry } from '../../mounts/mount-access.ts'
import type { TocEntry } from '../../store/toc-entry.ts'

/**
 * The names of an inode belong together: tar writes the file once and names the rest as links to it. They are kept together,
 * or read together; when a directory is renamed one name moves without the inode's ctime telling.
 * Holds one digest per inode that has several names.
 */
export class HardLinkGroups {
  private readonly groups = new Map<string, Hash>()

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
    const theirs = other.digests()
    return new Set([...this.digests()].filter(([inode, digest]) => theirs.get(inode) === digest).map(([inode]) => inode))
  }

  equals(other: HardLinkGroups): boolean {
    return this.groups.size === other.groups.size && this.sameAs(other).size === this.groups.size
  }

  private add(inode: string, path: Buffer): void {
    const group = this.groups.get(inode) ?? createHash('sha1')
    group.update(path).update('\0')
    this.groups.set(inode, group)
  }

  private digests(): Map<string, string> {
    return new Map([...this.groups].map(([inode, hash]) => [inode, hash.copy().digest('base64')]))
  }
}
