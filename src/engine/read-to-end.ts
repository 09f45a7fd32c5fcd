import type { Readable } from 'node:stream'

/** Everything that a short body holds. */
export async function readToEnd(body: Readable): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of body as AsyncIterable<Buffer>) pieces.push(piece)
  return Buffer.concat(pieces)
}
