/** Reads a stream by pieces, with a way to give back what was not needed. */
export class ByteSource {
  readonly #pieces: AsyncIterator<Buffer>
  #returned: Buffer | undefined

  constructor(source: AsyncIterable<Buffer>) {
    this.#pieces = source[Symbol.asyncIterator]()
  }

  /** The next piece, never empty; undefined at the end. */
  async next(): Promise<Buffer | undefined> {
    const returned = this.#returned
    this.#returned = undefined
    if (returned) return returned
    for (;;) {
      const result = await this.#pieces.next()
      if (result.done) return undefined
      if (result.value.length > 0) return result.value
    }
  }

  /** At least `length` bytes, fewer only at the end. */
  async nextAtLeast(length: number): Promise<Buffer> {
    const pieces: Buffer[] = []
    for (let bytes = 0; bytes < length; ) {
      const piece = await this.next()
      if (!piece) break
      pieces.push(piece)
      bytes += piece.length
    }
    return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces)
  }

  giveBack(piece: Buffer): void {
    if (piece.length > 0) this.#returned = this.#returned ? Buffer.concat([piece, this.#returned]) : piece
  }

  async hasEnded(): Promise<boolean> {
    const piece = await this.next()
    if (piece) this.giveBack(piece)
    return piece === undefined
  }

  /** What is left of it; whoever stops reading leaves the source open. */
  async *pieces(): AsyncGenerator<Buffer> {
    for (let piece = await this.next(); piece; piece = await this.next()) yield piece
  }

  async *rest(): AsyncGenerator<Buffer> {
    try {
      yield* this.pieces()
    } finally {
      await this.close()
    }
  }

  async close(): Promise<void> {
    await this.#pieces.return?.()
  }
}
