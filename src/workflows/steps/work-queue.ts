import type { ListedEntry } from '../../mounts/mount-access.ts'

/** Entries of the base that follow one another, with the bytes of their records; of those that are kept, what is counted of them. */
export type BaseRun = { readonly kind: 'keep' | 'drop'; count: number; bytes: number; dataBytes: number; hardLinks: number }

/** What comes next in the new stream: entries of the base that are kept, or are gone, or an entry that tar was asked for. */
export type WorkItem = BaseRun | { readonly kind: 'read'; readonly entry: ListedEntry }

/**
 * From the comparison, which runs ahead, to the writer, which waits for tar. Runs of kept and dropped entries are sums, so
 * that a million of them behind one entry that tar still holds back take no memory.
 */
export class WorkQueue {
  private readonly items: WorkItem[] = []
  private head = 0
  private failure: Error | undefined

  keep(bytes: number, dataBytes: number, hardLinks: number): void {
    const run = this.runOf('keep')
    run.count++
    run.bytes += bytes
    run.dataBytes += dataBytes
    run.hardLinks += hardLinks
  }

  drop(bytes: number): void {
    const run = this.runOf('drop')
    run.count++
    run.bytes += bytes
  }

  read(entry: ListedEntry): void {
    this.items.push({ kind: 'read', entry })
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

  private runOf(kind: BaseRun['kind']): BaseRun {
    const last = this.head < this.items.length ? this.items[this.items.length - 1] : undefined
    if (last?.kind === kind) return last
    const run: BaseRun = { kind, count: 0, bytes: 0, dataBytes: 0, hardLinks: 0 }
    this.items.push(run)
    return run
  }
}
