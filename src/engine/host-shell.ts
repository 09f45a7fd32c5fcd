import type { Readable, Writable } from 'node:stream'

export type HostProcess = {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Settles once, when the process has ended and its streams are closed; never rejects for a non-zero exit. */
  readonly exited: Promise<{ readonly exitCode: number | null; readonly signalName: string | null }>
}

/** Runs programs on one machine: this one, or one reached by ssh. Arguments arrive as they are given: no shell splits or expands them. */
export interface HostShell {
  readonly kind: 'local' | 'ssh'
  /** For messages: "this machine" or "ssh://user@host". */
  readonly where: string
  /** The signal kills the process (on an ssh host its connection, which ends the process by SIGHUP or EPIPE). */
  start(argv: readonly string[], options?: { readonly signal?: AbortSignal; readonly env?: Readonly<Record<string, string>> }): HostProcess
  /** Runs to the end, output in memory: only for short output. */
  run(argv: readonly string[], options?: { readonly signal?: AbortSignal; readonly input?: string | Buffer }): Promise<{ readonly exitCode: number | null; readonly stdout: Buffer; readonly stderr: string }>
}
