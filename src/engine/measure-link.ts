import { randomBytes } from 'node:crypto'
import type { HostShell } from './host-shell.ts'

const firstBytes = 512 * 1024
const moreBytes = 8 * 1024 * 1024
/** Below this rate the first piece took so long that more would only delay the user. */
const surelySlowMs = 250

/** Bytes per second that come from a host, or go to it, through its shell. Asks for a few MiB at the most, which cannot be compressed. */
export async function measureLink(shell: HostShell, direction: 'from' | 'to', signal: AbortSignal): Promise<number> {
  const round = await timed(async () => shell.run(['true'], { signal }))
  const first = withoutRound(await transfer(shell, direction, firstBytes, signal), round)
  if (first >= surelySlowMs) return (firstBytes / first) * 1000
  const more = withoutRound(await transfer(shell, direction, moreBytes, signal), round)
  return (moreBytes / more) * 1000
}

/** What starting a program there takes is no transfer; but it may have taken longer the one time than the other. */
function withoutRound(milliseconds: number, roundMs: number): number {
  return Math.max(milliseconds - roundMs, milliseconds / 2)
}

async function transfer(shell: HostShell, direction: 'from' | 'to', bytes: number, signal: AbortSignal): Promise<number> {
  if (direction === 'from') return await timed(async () => shell.run(['head', '-c', String(bytes), '/dev/urandom'], { signal }))
  const input = randomBytes(bytes)
  return await timed(async () => shell.run(['wc', '-c'], { signal, input }))
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}
