/** Passes the pieces on, and says how long each was when the next one is asked for. */
export async function* tellBytes(source: AsyncIterable<Buffer>, onBytes: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const piece of source) {
    yield piece
    onBytes(piece.length)
  }
}
