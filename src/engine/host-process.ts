import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { errnoOf } from '../errors/system-error.ts'
import type { HostProcess, HostShell } from './host-shell.ts'
import { readToEnd } from './read-to-end.ts'

type RunOptions = NonNullable<Parameters<HostShell['run']>[1]>

/** The processes that a shell has started: close() kills those that still run and waits for their end. */
export class RunningProcesses {
  readonly #running = new Set<ChildProcess>()

  /**
   * Starts a program with pipes at all three ends. One that cannot be started ends with exit code 127 and the reason on
   * stderr, as a shell would say it. The signal kills it.
   */
  start(argv: readonly string[], { signal, env }: { signal?: AbortSignal; env: NodeJS.ProcessEnv }): HostProcess {
    signal?.throwIfAborted()
    const [program = '', ...args] = argv
    const child = spawn(program, args, { stdio: 'pipe', env })
    this.#running.add(child)
    const kill = (): void => void child.kill('SIGKILL')
    signal?.addEventListener('abort', kill, { once: true })
    // A program that ends before it has read its input makes writing fail; its exit says more than the EPIPE.
    child.stdin.on('error', () => undefined)
    let failed = false
    child.once('error', error => {
      failed = true
      child.stderr.push(`${program}: ${errnoOf(error) === 'ENOENT' ? 'command not found' : error.message}\n`)
    })
    const exited = new Promise<{ exitCode: number | null; signalName: string | null }>(resolve => {
      child.once('close', (exitCode, signalName) => {
        this.#running.delete(child)
        signal?.removeEventListener('abort', kill)
        resolve(failed ? { exitCode: 127, signalName: null } : { exitCode, signalName })
      })
    })
    return { stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, exited }
  }

  /** Feeds a process, reads it to its end and keeps what it said. Rejects with the signal's reason when that fires. */
  async run(started: HostProcess, options?: RunOptions): Promise<{ exitCode: number | null; stdout: Buffer; stderr: string }> {
    started.stdin.end(options?.input)
    const [stdout, stderr, { exitCode }] = await Promise.all([readToEnd(started.stdout), readToEnd(started.stderr), started.exited])
    options?.signal?.throwIfAborted()
    return { exitCode, stdout, stderr: stderr.toString() }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running].map(async child => {
      const closed = once(child, 'close')
      child.kill('SIGKILL')
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy()
      await closed
    }))
  }
}
