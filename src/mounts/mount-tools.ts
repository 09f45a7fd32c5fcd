import type { Readable } from 'node:stream'
import type { HostProcess } from '../engine/host-shell.ts'
import { DrayError } from '../errors/dray-error.ts'
import { linesOf } from './process-output.ts'

/**
 * GNU find, sort, tar and sync beside the data of one mount: on the engine's host, or in a helper container. Everything
 * above this interface is the same for both.
 */
export interface MountTools {
  readonly kind: 'host' | 'helper'
  /** For messages, with the mount: `"/srv/data" on this machine`. */
  readonly where: string
  /** The mount's root as the programs see it; of a single file, the directory that holds it. */
  readonly directory: string
  /** Of a single file, its name. */
  readonly fileName: string | undefined
  readonly losses: readonly string[]
  start(argv: readonly string[], signal: AbortSignal): Promise<HostProcess>
  /** Makes the next so many programs start at once, where starting one takes its time. */
  prepare?(programs: number, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

export type ToolOutput = { readonly stdout: Buffer; readonly stderr: readonly string[]; readonly exitCode: number | null }

/** Runs `script` with `sh` in the mount's root, C locale; `$@` holds `args`. Output in memory: only for short output. */
export async function runScript(tools: MountTools, script: string, args: readonly string[], signal: AbortSignal): Promise<ToolOutput> {
  const child = await tools.start(inDirectory(tools, script, args), signal)
  child.stdin.on('error', () => undefined)
  child.stdin.end()
  const [stdout, stderr, { exitCode }] = await Promise.all([child.stdout.toArray(), messagesOf(child.stderr), child.exited])
  signal.throwIfAborted()
  return { stdout: Buffer.concat(stdout as Buffer[]), stderr, exitCode }
}

/** What a script says first: whatever stands before it on stderr was said by the shell that logged in (a .bashrc that fails). */
const begins = 'dray: begins'

/** The messages of a script of inDirectory(), one character a byte. */
export async function messagesOf(stderr: Readable): Promise<string[]> {
  const lines = await linesOf(stderr)
  return lines.slice(lines.indexOf(begins) + 1)
}

/** The argv of a script that runs in the mount's root. */
export function inDirectory(tools: MountTools, script: string, args: readonly string[] = []): readonly string[] {
  return ['sh', '-c', `echo ${begins} >&2; export LC_ALL=C; cd -- "$1" || exit 125; shift; ${script}`, 'sh', tools.directory, ...args]
}

/** The failure of a program, in its own words. */
export function toolFailure(tools: MountTools, doing: string, words: readonly string[], exitCode: number | null): DrayError {
  const text = words.join('\n')
  const full = /No space left on device|Disk quota exceeded|Wrote only \d+ of \d+ bytes/.test(text)
  const denied = /Permission denied|Operation not permitted/.test(text)
  const missing = exitCode === 127 || /(?:sh|env|exec).*: not found/.test(text)
  const said = words.slice(0, 3).join('; ') || (exitCode === null ? 'the program was killed' : `the program ended with exit code ${exitCode}`)
  const hints = full ? ['free some space and run the same command again'] : missing ? ['GNU tar, findutils and coreutils are needed there; --reader api needs none of them'] : []
  return new DrayError(denied && !full ? 'unauthorized' : 'io-failed', `${doing} ${tools.where}: ${full ? 'no space left on device: ' : ''}${said}`, { hints })
}
