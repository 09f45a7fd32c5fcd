import type { Readable } from 'node:stream'

/**
 * Takes a stream up as fast as it comes and holds it in memory, up to `limitBytes`, so that its source can end before its bytes
 * have been worked up. Giving them out begins when the source has ended or the memory is full: until then it has the processor
 * for itself. A failure of the source is thrown at once; leaving the iteration destroys the source.
 */
export class ReadAhead implements AsyncIterable<Buffer> {
  /** Resolves when the source has ended well, rejects with its failure. */
  readonly ended: Promise<void>
  private readonly source: Readable
  private readonly limitBytes: number
  private pieces: Buffer[] = []
  private heldBytes = 0
  private isDone = false
  private wakeTaker: (() => void) | undefined
  private wakeGiver: (() => void) | undefined

  constructor(source: Readable, limitBytes: number) {
    this.source = source
    this.limitBytes = limitBytes
    this.ended = this.take()
    this.ended.catch(() => undefined)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        if (!this.isDone && this.heldBytes < this.limitBytes) await new Promise<void>(resolve => { this.wakeGiver = resolve })
        if (this.isDone) await this.ended
        const given = this.pieces
        this.pieces = []
        this.heldBytes = 0
        this.wakeTaker?.()
        yield* given
        if (this.isDone && this.pieces.length === 0) break
      }
      await this.ended
    } finally {
      this.source.destroy()
      this.wakeTaker?.()
    }
  }

  private async take(): Promise<void> {
    try {
      for await (const bytes of this.source as AsyncIterable<Buffer>) {
        this.pieces.push(bytes)
        this.heldBytes += bytes.length
        if (this.heldBytes < this.limitBytes) continue
        this.wakeGiver?.()
        await new Promise<void>(resolve => { this.wakeTaker = resolve })
      }
    } finally {
      this.isDone = true
      this.wakeGiver?.()
    }
  }
}
