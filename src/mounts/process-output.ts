import type { Readable } from 'node:stream'

/** The records of a byte stream, without their separator; one batch for each chunk that completes any. The last one needs no separator. */
export async function* recordsOf(stream: Readable, separator: number): AsyncGenerator<Buffer[]> {
  let rest: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const records: Buffer[] = []
    let start = 0
    for (let end = chunk.indexOf(separator); end !== -1; end = chunk.indexOf(separator, start)) {
      const piece = chunk.subarray(start, end)
      records.push(rest.length === 0 ? piece : Buffer.concat([...rest, piece]))
      rest = []
      start = end + 1
    }
    if (start < chunk.length) rest.push(chunk.subarray(start))
    if (records.length > 0) yield records
  }
  if (rest.length > 0) yield [Buffer.concat(rest)]
}

/** The lines of a program's messages, one character a byte. */
export async function linesOf(stream: Readable, limit = 100_000): Promise<string[]> {
  const lines: string[] = []
  for await (const records of recordsOf(stream, 0x0a)) for (const record of records) if (lines.length < limit) lines.push(record.toString('latin1'))
  return lines
}
