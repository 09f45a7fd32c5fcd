/** Enough that most disks have written it before as much again has come. */
const apartBytes = 128 * 1024 * 1024

/** Lets a disk work while data still comes in: what waited in the page cache would all be waited for at the end. */
export class FlushBehind {
  private readonly sync: () => Promise<unknown>
  private running: Promise<void> | undefined
  private unwritten = 0
  private failed: { readonly thrown: unknown } | undefined

  constructor(sync: () => Promise<unknown>) {
    this.sync = sync
  }

  /** Begins a sync when enough was written since the last one and none is under way. */
  wrote(bytes: number): void {
    this.unwritten += bytes
    if (this.unwritten < apartBytes || this.running !== undefined) return
    this.unwritten = 0
    this.running = this.flush()
  }

  /** Waits for the one that is under way. Throws what one failed with: of a lost write the kernel tells only once. */
  async end(): Promise<void> {
    await this.running
    if (this.failed !== undefined) throw this.failed.thrown
  }

  private async flush(): Promise<void> {
    try {
      await this.sync()
    } catch (thrown) {
      this.failed ??= { thrown }
    } finally {
      this.running = undefined
    }
  }
}
