import type { ListedEntry } from '../../mounts/mount-access.ts'

/** What comes next in the new stream: entries of the base that are kept, or are gone, or an entry that tar was asked for. */
export type WorkItem = { readonly kind: 'keep' | 'drop'; count: number } | { readonly kind: 'read'; readonly entry: ListedEntry }

/**
 * From the comparison, which runs ahead, to the writer, which waits for tar. Runs of kept and dropped entries are counts, so
 * that a million of them behind one entry that tar still holds back take no memory.
 */
export class WorkQueue {
  private readonly items: WorkItem[] = []
  private head = 0
  private failure: Error | undefined

  push(item: WorkItem): void {
    const last = this.head < this.items.length ? this.items[this.items.length - 1] : undefined
    if (item.kind !== 'read' && last?.kind === item.kind) last.count += item.count
    else this.items.push(item)
  }

  fail(reason: Error): void {
    this.failure ??= reason
  }

  /** The next item, or undefined when there is none at the moment. Throws what the comparison failed with. */
  shift(): WorkItem | undefined {
    if (this.failure) throw this.failure
    const item = this.items[this.head]
    if (item === undefined) return undefined
    this.head++
    if (this.head > 4096) {
      this.items.splice(0, this.head)
      this.head = 0
    }
    return item
  }
}
