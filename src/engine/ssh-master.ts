import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, watch } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { explainSsh } from './ssh-failure.ts'
import type { SshTarget } from './endpoint.ts'
import { destination, heedless, masterArguments } from './ssh-arguments.ts'
import { errnoOf } from '../errors/system-error.ts'
import { Unreachable } from './unreachable.ts'

/** A shared ssh connection that is ours: close() ends it and removes its socket, and so does the end of this process, however it comes. */
export type SshMaster = { readonly controlPath: string; close(): Promise<void> }

/** ssh appends 17 characters while it makes the socket, and the whole must stay below 108. */
const longestTmp = 60

/** Logs in. Fails with an Unreachable that says why not; the signal ends the attempt. */
export async function startMaster(target: SshTarget, env: NodeJS.ProcessEnv, mayAsk: boolean, signal: AbortSignal | undefined): Promise<SshMaster> {
  signal?.throwIfAborted()
  const tmp = tmpdir()
  const dir = await mkdtemp(join(tmp.length <= longestTmp ? tmp : '/tmp', 'dray-'))
  const controlPath = join(dir, 'ctl')
  const [program, args] = heedless('ssh', masterArguments(target, controlPath, mayAsk))
  const master = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env })
  const ended = new Promise<void>(resolve => master.once('close', () => resolve()))
  const guard = startGuard(target, controlPath, dir, env)
  const close = async (): Promise<void> => {
    master.kill()
    guard.stdin?.end()
    await Promise.all([ended, once(guard, 'close')])
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
  try {
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (existsSync(controlPath)) resolve()
      }
      watcher.on('change', look).on('error', reject)
      master.once('error', error => reject(notStarted(error)))
      master.once('close', exitCode => reject(exitCode === 127 ? notStarted() : explainSsh(target, said, exitCode)))
      signal?.addEventListener('abort', () => reject(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason))), { once: true })
      look()
    })
  } finally {
    watcher.close()
  }
}

function notStarted(cause?: Error): Unreachable {
  const reason = cause === undefined || errnoOf(cause) === 'ENOENT' ? 'the program ssh is not in the PATH' : `the program ssh cannot be started: ${cause.message}`
  return new Unreachable('engine-unreachable', reason, ['install an ssh client (openssh-client)'], cause)
}

/** Waits for the end of its stdin, which comes even when this process is killed, and then ends the connection. */
function startGuard(target: SshTarget, controlPath: string, dir: string, env: NodeJS.ProcessEnv): ChildProcess {
  const script = 'trap "" HUP INT QUIT; cat >/dev/null; control=$1 dir=$2; shift 2; ssh -S "$control" -O exit "$@"; rm -f "$control"; rmdir "$dir"'
  const guard = spawn('/bin/sh', ['-c', script, 'sh', controlPath, dir, ...destination(target)], { stdio: ['pipe', 'ignore', 'ignore'], env })
  guard.stdin.on('error', () => undefined)
  return guard
}
