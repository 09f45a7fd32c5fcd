import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { DrayError } from '../errors/dray-error.ts'

const decoders = {
  zstd: { command: ['zstd', '-dcq'], hints: ['install the package zstd on this machine', 'or run dray with Node.js 22.15 or newer'] },
  xz: { command: ['xz', '-dcq', '--memlimit-decompress=128MiB'], hints: ['install the package xz-utils on this machine'] },
  bzip2: { command: ['bzip2', '-dc'], hints: ['install the package bzip2 on this machine'] },
} as const

export type SystemFormat = keyof typeof decoders

const maxComplaintBytes = 4096
/** What xz and zstd say of data that wants more than 128 MiB, as hardly anything does that was not made for it. */
const asksForMemory = /memory usage limit|window size larger|too much memory/i

/** The reason of a DrayError: decoding would take more memory than is given. */
export const takesMemory = 'takes memory'

/**
 * Decodes with the system's program, which ends with the iteration. Throws `damaged` for data that the program refuses or
 * remarks on, and `io-failed` with a way out where there is no such program.
 */
export async function* decodeWithSystem(format: SystemFormat, source: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Buffer> {
  const { command: [program, ...args], hints } = decoders[format]
  const child = spawn(program, args, { stdio: 'pipe', env: process.env })
  const closed = once(child, 'close') as Promise<[number | null]>
  closed.catch(() => undefined)
  let complaint = ''
  child.stderr.on('data', (text: Buffer) => (complaint = (complaint + text.toString()).slice(0, maxComplaintBytes)))
  const feeding = new AbortController()
  const fed = pipeline(Readable.from(source), child.stdin, { signal: feeding.signal }).catch((error: unknown) => {
    // a program that has given up closes its input; what it says counts
    if (codeOf(error) === 'EPIPE') return undefined
    child.kill()
    return { error }
  })
  try {
    yield* child.stdout as AsyncIterable<Buffer>
    const [exitCode] = await closed
    const failed = await fed
    if (failed) throw failed.error as Error
    if (exitCode !== 0 || complaint !== '') throw refusedBy(format, complaint.trim())
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    throw new DrayError('io-failed', `${format} data cannot be read here: "${program}" is not installed`, { hints, cause: error })
  } finally {
    feeding.abort()
    child.kill()
  }
}

/** Of bzip2's half a page the first line says it. */
function refusedBy(format: SystemFormat, text: string): DrayError {
  const complaint = text.split('\n')[0]?.replace(/;$/, '') ?? ''
  if (asksForMemory.test(complaint)) return new DrayError('damaged', `${format} data asks for more memory than is given to it: ${complaint}`, { reason: takesMemory })
  return new DrayError('damaged', `${format} data is damaged: ${complaint}`)
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}
