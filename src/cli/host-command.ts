import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { DrayError } from '../errors/dray-error.ts'

export type HostCommandOptions = {
  readonly env: NodeJS.ProcessEnv
  readonly input?: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Lines of what it says, as they come. */
  readonly onLine?: (line: string) => void
}

const lastLines = 5

/** Runs a line of shell on this machine. Its whole process group ends with the timeout or the signal. Throws `io-failed` when it does not exit with 0, with the last it said. */
export async function runHostCommand(command: string, { env, input = '', timeoutMs, signal, onLine = () => undefined }: HostCommandOptions): Promise<void> {
  signal.throwIfAborted()
  const child = spawn('/bin/sh', ['-c', command], { env, stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  const limit = AbortSignal.timeout(timeoutMs)
  const ending = AbortSignal.any([signal, limit])
  const kill = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
  ending.addEventListener('abort', kill, { once: true })
  const lines: string[] = []
  let rest = ''
  const take = (chunk: Buffer): void => {
    const parts = (rest + chunk.toString()).split('\n')
    rest = (parts.pop() ?? '').slice(-10_000)
    for (const line of parts) say(line)
  }
  const say = (line: string): void => {
    lines.push(line)
    if (lines.length > lastLines) lines.shift()
    onLine(line)
  }
  child.stdout.on('data', take)
  child.stderr.on('data', take)
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [code, killedBy] = (await once(child, 'close')) as [number | null, string | null]
  ending.removeEventListener('abort', kill)
  if (rest !== '') say(rest)
  signal.throwIfAborted()
  if (code === 0) return
  const how = limit.aborted ? `did not end within ${timeoutMs / 1000} s` : killedBy === null ? `ended with exit code ${code ?? '?'}` : `was ended by ${killedBy}`
  throw new DrayError('io-failed', `"${command}" ${how}${lines.length === 0 ? '' : `: ${lines.join(' / ')}`}`)
}
