import { StringDecoder } from 'node:string_decoder'
import { DrayError } from '../errors/dray-error.ts'

/** A line longer than this is no event of any engine. */
const longestLine = 16 * 1024 * 1024

/**
 * The JSON values of a body with one value a line (LF or CRLF; the last line may lack its end). Characters may be split
 * between chunks. A line that is not JSON fails with `refused`; an error of the source is passed on.
 */
export async function* readNdjson(source: AsyncIterable<Uint8Array>): AsyncGenerator<unknown, void, undefined> {
  const decoder = new StringDecoder('utf8')
  let pieces: string[] = []
  let length = 0
  const takeLine = (tail: string): string => {
    const line = pieces.length === 0 ? tail : pieces.join('') + tail
    pieces = []
    length = 0
    return line
  }
  for await (const chunk of source) {
    const text = decoder.write(chunk)
    let start = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      const line = takeLine(text.slice(start, end)).trim()
      start = end + 1
      if (line !== '') yield parseLine(line)
    }
    pieces.push(text.slice(start))
    length += text.length - start
    if (length > longestLine) throw new DrayError('refused', `the engine sent a line of more than ${longestLine} characters where events were expected`)
  }
  const last = takeLine(decoder.end()).trim()
  if (last !== '') yield parseLine(last)
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw new DrayError('refused', `the engine sent something that is not JSON where events were expected: "${line.slice(0, 200)}"`, { cause })
  }
}

/** The failure that a line of a progress body reports: `errorDetail.message`, or `error` of engines that send only that. */
export function failureIn(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { errorDetail, error } = value as { errorDetail?: unknown; error?: unknown }
  if (typeof errorDetail === 'object' && errorDetail !== null && 'message' in errorDetail && typeof errorDetail.message === 'string') return errorDetail.message
  if (typeof error === 'string' && error !== '') return error
  return errorDetail === undefined || errorDetail === null ? undefined : JSON.stringify(errorDetail)
}
