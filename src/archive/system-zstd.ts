import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { DrayError } from '../errors/dray-error.ts'

export function zstdMissing(cause?: unknown): DrayError {
  return new DrayError('io-failed', 'this zstd data cannot be read here: "zstd" is not installed and this Node.js cannot do it', {
    hints: ['install the package zstd on this machine', 'or run dray with Node.js 22.15 or newer'],
    cause,
  })
}

/** Decodes with the system's `zstd`, which ends with the iteration. Throws `damaged` for what is not whole zstd frames. */
export async function* decodeWithSystemZstd(source: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Buffer> {
  const child = spawn('zstd', ['-dcq'], { stdio: 'pipe' })
  const closed = once(child, 'close') as Promise<[number | null]>
  const complaint: Buffer[] = []
  child.stderr.on('data', (text: Buffer) => complaint.push(text))
  const abort = new AbortController()
  // a decoder that has given up closes its input; its exit code says why
  const fed = pipeline(Readable.from(source), child.stdin, { signal: abort.signal }).then(() => undefined, (error: unknown) => error)
  closed.catch(() => undefined)
  try {
    yield* child.stdout as AsyncIterable<Buffer>
    const [exitCode] = await closed
    const feedError = await fed
    if (feedError !== undefined && codeOf(feedError) !== 'EPIPE') throw feedError as Error
    if (exitCode !== 0) throw new DrayError('damaged', `zstd data is damaged: ${Buffer.concat(complaint).toString().trim()}`)
  } catch (error) {
    throw codeOf(error) === 'ENOENT' ? zstdMissing(error) : error
  } finally {
    abort.abort()
    child.kill()
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}
