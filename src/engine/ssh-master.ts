import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, watch } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { explainSsh } from './ssh-failure.ts'
import type { SshTarget } from './endpoint.ts'
import { destination, masterArguments } from './ssh-arguments.ts'
import { onAbort } from './on-abort.ts'
import { cipherOrder } from './ssh-ciphers.ts'
import { errnoOf } from '../errors/system-error.ts'
import { Unreachable } from './unreachable.ts'

/** A shared ssh connection that is ours: close() ends it and removes its socket, and so does the end of this process, however it comes. */
export type SshMaster = { readonly controlPath: string; close(): Promise<void> }

/**
 * Ctrl-C reaches every process of the terminal, but what a run undoes after it still needs the connection: signals of the
 * terminal are ignored, which ssh honours when it inherits that. A session of its own would cut it off from the terminal,
 * where it may have to ask for a password.
 */
const heedless = 'trap "" HUP INT QUIT'

/** ssh appends 17 characters while it makes the socket, and the whole must stay below 108. */
const longestTmp = 60

/** Logs in. Fails with an Unreachable that says why not; the signal ends the attempt. */
export async function startMaster(target: SshTarget, env: NodeJS.ProcessEnv, mayAsk: boolean, signal: AbortSignal | undefined, compress = false): Promise<SshMaster> {
  signal?.throwIfAborted()
  const ciphers = await cipherOrder(target, env)
  const tmp = env['TMPDIR'] || tmpdir()
  const dir = await mkdtemp(join(tmp.length <= longestTmp ? tmp : '/tmp', 'dray-'))
  const controlPath = join(dir, 'ctl')
  const master = spawn('/bin/sh', ['-c', `${heedless}; exec ssh "$@"`, 'sh', ...masterArguments(target, controlPath, mayAsk, { compress, ciphers })], { stdio: ['ignore', 'ignore', 'pipe'], env })
  const guard = startGuard(target, controlPath, dir, env)
  const ended = Promise.all([master, guard].map(async each => new Promise<void>(resolve => each.once('close', () => resolve()))))
  const close = async (): Promise<void> => {
    master.kill()
    guard.stdin?.end()
    await ended
    await rm(dir, { recursive: true, force: true })
  }
  try {
    await untilListening(master, dir, controlPath, target, signal)
  } catch (thrown) {
    await close()
    throw thrown
  }
  return { controlPath, close }
}

async function untilListening(master: ChildProcess, dir: string, controlPath: string, target: SshTarget, signal: AbortSignal | undefined): Promise<void> {
  let said = ''
  master.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const watcher = watch(dir)
  let forget = (): void => undefined
  try {
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (existsSync(controlPath)) resolve()
      }
      watcher.on('change', look).on('error', reject)
      master.once('error', error => reject(notStarted(error)))
      master.once('close', exitCode => reject(exitCode === 127 ? notStarted() : explainSsh(target, said, exitCode)))
      forget = onAbort(signal, reject)
      look()
    })
  } finally {
    forget()
    watcher.close()
  }
}

function notStarted(cause?: Error): Unreachable {
  const reason = cause === undefined || errnoOf(cause) === 'ENOENT' ? 'the program ssh is not in the PATH' : `the program ssh cannot be started: ${cause.message}`
  return new Unreachable('engine-unreachable', reason, ['install an ssh client (openssh-client)'], cause)
}

/** Waits for the end of its stdin, which comes even when this process is killed, and then ends the connection. */
function startGuard(target: SshTarget, controlPath: string, dir: string, env: NodeJS.ProcessEnv): ChildProcess {
  const script = `${heedless}; while read -r line; do :; done; control=$1 dir=$2; shift 2; ssh -S "$control" -O exit "$@"; rm -f "$control"; rmdir "$dir"`
  const guard = spawn('/bin/sh', ['-c', script, 'sh', controlPath, dir, ...destination(target)], { stdio: ['pipe', 'ignore', 'ignore'], env })
  guard.stdin.on('error', () => undefined)
  return guard
}
