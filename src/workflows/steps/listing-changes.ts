/**
 * What has to be done to a copy so that it becomes what its source is now: the source's listing of the last pass and of now are
 * walked side by side. What is known to be unchanged stays (unchanged.ts), the rest is sent again as a whole.
 */
import { PackedRecords } from '../../archive/packed-records.ts'
import type { ListedEntry } from '../../mounts/mount-access.ts'
import { HardLinkGroups } from './hard-links.ts'
import { PackedListing } from './packed-listing.ts'
import { isUnchanged, settledBefore, type SettledTest } from './unchanged.ts'

/** What a pass left: how the source was listed, and which of it is not, or not surely, in the copy as it was listed. Paths are latin1. */
export type CopiedListing = {
  readonly listing: PackedListing
  readonly syncedAt: string
  /** Not in the copy, or as another kind of entry. */
  readonly missing: ReadonlySet<string>
  readonly changed: ReadonlySet<string>
}

export type ListingChanges = {
  readonly now: PackedListing
  readonly send: PackedListing
  /** Directories that are unchanged themselves, but something in them is not: they get their attributes back. */
  readonly touched: readonly Buffer[]
  /** Directories that are in the copy, and are touched or sent. */
  readonly directories: PackedRecords
  /** The topmost paths that go. */
  readonly removed: PackedRecords
}

export async function findChanges(base: CopiedListing, listing: AsyncIterable<readonly ListedEntry[]>): Promise<ListingChanges> {
  const changes = new Changes(base)
  const known = base.listing[Symbol.iterator]()
  let old = known.next()
  for await (const batch of listing) {
    for (const entry of batch) {
      if (entry.type === 's') continue
      for (; old.done !== true && Buffer.compare(old.value.path, entry.path) < 0; old = known.next()) changes.gone(old.value)
      const before = old.done !== true && old.value.path.equals(entry.path) ? old.value : undefined
      if (before !== undefined) old = known.next()
      changes.found(entry, before)
    }
  }
  for (; old.done !== true; old = known.next()) changes.gone(old.value)
  return changes.all()
}

class Changes {
  private readonly now = new PackedListing()
  private readonly send = new PackedListing()
  private readonly directories = new PackedRecords()
  private readonly removed = new PackedRecords()
  /** Directories of the copy that go, or were never there: nothing below them counts as copied. */
  private readonly wiped = new Set<string>()
  private readonly sentDirectories = new Set<string>()
  private readonly touched = new Set<string>()
  /** Unchanged names of files with several: all of them stay, or all are sent. */
  private readonly linked = new PackedListing()
  private readonly sentInodes = new Set<string>()
  private readonly groupsBefore = new HardLinkGroups()
  private readonly groupsNow = new HardLinkGroups()
  private readonly base: CopiedListing
  private readonly isSettled: SettledTest
  /** Then everything is sent. */
  private readonly isFirst: boolean
  /** A single file has no directory that is listed. */
  private hasRoot = false

  constructor(base: CopiedListing) {
    this.base = base
    this.isSettled = settledBefore(base.syncedAt)
    this.isFirst = base.listing.entries === 0
  }

  gone(old: ListedEntry): void {
    this.groupsBefore.addListed([old])
    if (this.isWiped(old)) this.wipe(old)
    else this.remove(old)
  }

  found(entry: ListedEntry, before: ListedEntry | undefined): void {
    this.now.add(entry)
    if (this.isFirst) return
    this.groupsNow.addListed([entry])
    const path = entry.path.toString('latin1')
    this.hasRoot ||= path === '.'
    if (before === undefined) {
      this.sendEntry(entry)
      return
    }
    this.groupsBefore.addListed([before])
    if (this.isWiped(before)) {
      this.wipe(before)
      this.sendEntry(entry)
    } else if (path !== '.' && (this.base.missing.has(path) || (before.type !== entry.type && (before.type === 'd' || entry.type === 'd')))) {
      this.remove(before)
      this.sendEntry(entry)
    } else if (!isUnchanged(entry, before, this.isSettled) || this.base.changed.has(path) || this.base.missing.has(path)) {
      if (entry.type === 'd') this.directories.add(entry.path)
      this.sendEntry(entry)
    } else if (entry.links > 1 && entry.type !== 'd') {
      this.linked.add(entry)
    }
  }

  all(): ListingChanges {
    for (const entry of this.linked) {
      if (this.sentInodes.has(entry.inode) || !this.groupsNow.isSame(this.groupsBefore, entry.inode)) this.sendEntry(entry)
    }
    const touched = [...this.touched].filter(path => !this.sentDirectories.has(path)).map(path => Buffer.from(path, 'latin1'))
    for (const path of touched) this.directories.add(path)
    return { now: this.now, send: this.isFirst ? this.now : this.send, touched, directories: this.directories, removed: this.removed }
  }

  private sendEntry(entry: ListedEntry): void {
    this.send.add(entry)
    if (entry.type === 'd') this.sentDirectories.add(entry.path.toString('latin1'))
    else if (entry.links > 1) this.sentInodes.add(entry.inode)
    this.touchParent(entry)
  }

  private remove(old: ListedEntry): void {
    this.removed.add(old.path)
    this.wipe(old)
    this.touchParent(old)
  }

  private wipe({ path, type }: ListedEntry): void {
    const name = path.toString('latin1')
    if (type === 'd' || this.base.missing.has(name)) this.wiped.add(name)
  }

  private isWiped({ path }: ListedEntry): boolean {
    return this.wiped.size > 0 && this.wiped.has(parentOf(path))
  }

  private touchParent({ path }: ListedEntry): void {
    if (this.hasRoot && path.length > 1) this.touched.add(parentOf(path))
  }
}

function parentOf(path: Buffer): string {
  return path.toString('latin1', 0, Math.max(1, path.lastIndexOf(0x2f)))
}
