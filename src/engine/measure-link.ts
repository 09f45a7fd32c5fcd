import { randomBytes } from 'node:crypto'
import type { HostProcess, HostShell } from './host-shell.ts'

/** The first sample lets the connection find its pace, and is all there is on a link that is surely slow. */
const firstBytes = 256 * 1024
const sampleBytes = 2 * 1024 * 1024
const samples = 3
/** Below this part of the limit nothing else has to be looked at. */
const surelySlow = 0.1

export type LinkRate = { readonly isFaster: boolean; readonly isSurelySlow: boolean; readonly bytesPerSecond: number }

/**
 * Whether a link from a host, or to it, carries so many bytes in a second; by random bytes through its shell, a few MiB at the most.
 * A busy machine makes samples slower and never faster: one that is fast enough decides, and the best one counts.
 */
export async function isFasterThan(limit: number, shell: HostShell, direction: 'from' | 'to', signal: AbortSignal): Promise<LinkRate> {
  let best = await sample(shell, direction, firstBytes, signal)
  for (let taken = 0; taken < samples && best < limit && best >= limit * surelySlow; taken++) best = Math.max(best, await sample(shell, direction, sampleBytes, signal))
  return { isFaster: best >= limit, isSurelySlow: best < limit * surelySlow, bytesPerSecond: best }
}

/** What a connection that compresses makes of bytes that become a quarter smaller, as data usually does at the least: bytes per second. */
export async function compressedRate(shell: HostShell, direction: 'from' | 'to', signal: AbortSignal): Promise<number> {
  await sample(shell, direction, firstBytes, signal, 'text')
  return Math.max(await sample(shell, direction, sampleBytes, signal, 'text'), await sample(shell, direction, sampleBytes, signal, 'text'))
}

type Sample = 'noise' | 'text'

/** Bytes per second, without the time that it takes to start the program there. */
async function sample(shell: HostShell, direction: 'from' | 'to', bytes: number, signal: AbortSignal, what: Sample = 'noise'): Promise<number> {
  const milliseconds = direction === 'from' ? await receive(shell, bytes, what, signal) : await send(shell, bytes, what, signal)
  return (bytes / Math.max(milliseconds, 0.1)) * 1000
}

async function receive(shell: HostShell, bytes: number, what: Sample, signal: AbortSignal): Promise<number> {
  const script = what === 'noise' ? 'echo; exec head -c "$1" /dev/urandom' : 'echo; head -c "$1" /dev/urandom | base64 | head -c "$1"'
  const child = shell.start(['sh', '-c', script, 'sh', String(bytes)], { signal })
  child.stdin.end()
  const startedAt = await firstOf(child, signal)
  await ended(child, signal)
  return performance.now() - startedAt
}

async function send(shell: HostShell, bytes: number, what: Sample, signal: AbortSignal): Promise<number> {
  const child = shell.start(['sh', '-c', 'echo; exec wc -c'], { signal })
  const noise = randomBytes(bytes)
  const input = what === 'noise' ? noise : Buffer.from(noise.toString('base64').slice(0, bytes))
  const startedAt = await firstOf(child, signal)
  child.stdin.end(input)
  await ended(child, signal)
  return performance.now() - startedAt
}

/** When a program has said its first word. */
async function firstOf(child: HostProcess, signal: AbortSignal): Promise<number> {
  await new Promise<void>(resolve => {
    child.stdout.once('readable', resolve)
    void child.exited.then(() => resolve())
  })
  signal.throwIfAborted()
  return performance.now()
}

async function ended(child: HostProcess, signal: AbortSignal): Promise<void> {
  child.stdout.resume()
  child.stderr.resume()
  await child.exited
  signal.throwIfAborted()
}
