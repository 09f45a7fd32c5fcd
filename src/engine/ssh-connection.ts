import { spawn } from 'node:child_process'
import type { SshTarget } from './endpoint.ts'
import type { Dial } from './engine-agent.ts'
import { RunningProcesses } from './host-process.ts'
import type { HostShell } from './host-shell.ts'
import { ProcessSocket } from './process-socket.ts'
import { quoteForShell } from './shell-quote.ts'
import { destination, dialCommand, sessionArguments } from './ssh-arguments.ts'
import { explainSsh } from './ssh-failure.ts'
import { startMaster, type SshMaster } from './ssh-master.ts'
import { Unreachable } from './unreachable.ts'

export type SshConnection = { readonly dial: Dial; readonly shell: HostShell; readonly close: () => Promise<void> }

/** Out of reach of the terminal's Ctrl-C, which ssh's sessions, unlike its shared connection, cannot ignore. */
const detached = true

/**
 * Connects through the system's ssh, so that ~/.ssh/config, agents, jump hosts and known host keys count as they do on the
 * command line. Everything goes through one login. Questions are asked on a terminal only: a cron job must not hang.
 */
export async function openSsh(target: SshTarget, env: NodeJS.ProcessEnv, signal: AbortSignal | undefined, compress = false): Promise<SshConnection> {
  const mayAsk = process.stdin.isTTY
  const master = await masterOrUsersOwn(target, env, mayAsk, signal, compress)
  const argumentsFor = (command: string): string[] => sessionArguments(target, master?.controlPath, mayAsk, command)
  const processes = new RunningProcesses()
  const dial: Dial = () => {
    return new ProcessSocket(spawn('ssh', argumentsFor(dialCommand(target)), { stdio: 'pipe', env, detached }), (said, exitCode) => explainSsh(target, said, exitCode))
  }
  return {
    dial,
    shell: sshShell(target, env, argumentsFor, processes),
    async close() {
      await processes.close()
      await master?.close()
    },
  }
}

/** A login of ours; where that is refused but the user has a shared connection open (ControlMaster), that one. */
async function masterOrUsersOwn(target: SshTarget, env: NodeJS.ProcessEnv, mayAsk: boolean, signal: AbortSignal | undefined, compress: boolean): Promise<SshMaster | undefined> {
  try {
    return await startMaster(target, env, mayAsk, signal, compress)
  } catch (thrown) {
    if (thrown instanceof Unreachable && thrown.errorCode === 'unauthorized' && (await hasSharedConnection(target, env))) return undefined
    throw thrown
  }
}

async function hasSharedConnection(target: SshTarget, env: NodeJS.ProcessEnv): Promise<boolean> {
  const check = spawn('ssh', ['-O', 'check', ...destination(target)], { stdio: 'ignore', env })
  return new Promise(resolve => {
    check.once('error', () => resolve(false))
    check.once('close', exitCode => resolve(exitCode === 0))
  })
}

function sshShell(target: SshTarget, env: NodeJS.ProcessEnv, argumentsFor: (command: string) => string[], processes: RunningProcesses): HostShell {
  const start: HostShell['start'] = (argv, options) => {
    const assignments = Object.entries(options?.env ?? {}).map(([key, value]) => `${key}=${value}`)
    const words = assignments.length === 0 ? argv : ['env', ...assignments, ...argv]
    return processes.start(['ssh', ...argumentsFor(words.map(quoteForShell).join(' '))], { ...(options?.signal ? { signal: options.signal } : {}), env, detached })
  }
  return {
    kind: 'ssh',
    where: `ssh://${target.user === undefined ? '' : `${target.user}@`}${target.host}${target.port === undefined ? '' : `:${target.port}`}`,
    start,
    run: async (argv, options) => processes.run(start(argv, options?.signal ? { signal: options.signal } : {}), options),
  }
}
