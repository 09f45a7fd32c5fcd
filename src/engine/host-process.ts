import { spawn } from 'node:child_process'
import { errnoOf } from '../errors/system-error.ts'
import type { HostProcess } from './host-shell.ts'
import { readToEnd } from './read-to-end.ts'

/**
 * Starts a program with pipes at all three ends. One that cannot be started ends with exit code 127 and the reason on
 * stderr, as a shell would say it. The signal kills it.
 */
export function startProcess(argv: readonly string[], { signal, env }: { signal?: AbortSignal; env: NodeJS.ProcessEnv }): HostProcess {
  signal?.throwIfAborted()
  const [program = '', ...args] = argv
  const child = spawn(program, args, { stdio: 'pipe', env })
  const kill = (): void => void child.kill('SIGKILL')
  signal?.addEventListener('abort', kill, { once: true })
  // A program that ends before it has read its input makes writing fail; its exit says more than the EPIPE.
  child.stdin.on('error', () => undefined)
  let failure: Error | undefined
  child.once('error', error => {
    failure = error
    child.stderr.push(`${program}: ${errnoOf(error) === 'ENOENT' ? 'command not found' : error.message}\n`)
  })
  const exited = new Promise<{ exitCode: number | null; signalName: string | null }>(resolve => {
    child.once('close', (exitCode, signalName) => {
      signal?.removeEventListener('abort', kill)
      resolve(failure === undefined ? { exitCode, signalName } : { exitCode: 127, signalName: null })
    })
  })
  return { stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, exited }
}

/** Feeds a process, reads it to its end and keeps what it said. Rejects with the signal's reason when that fires. */
export async function runProcess(running: HostProcess, options?: { readonly signal?: AbortSignal; readonly input?: string | Buffer }): Promise<{ exitCode: number | null; stdout: Buffer; stderr: string }> {
  running.stdin.end(options?.input)
  const [stdout, stderr, { exitCode }] = await Promise.all([readToEnd(running.stdout), readToEnd(running.stderr), running.exited])
  options?.signal?.throwIfAborted()
  return { exitCode, stdout, stderr: stderr.toString() }
}
