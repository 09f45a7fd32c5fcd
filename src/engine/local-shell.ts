import type { HostShell } from './host-shell.ts'
import { startProcess, runProcess } from './host-process.ts'

/** Programs on this machine. */
export function localShell(env: NodeJS.ProcessEnv): HostShell {
  return {
    kind: 'local',
    where: 'this machine',
    start: (argv, options) => startProcess(argv, { ...options, env: { ...env, ...options?.env } }),
    run: async (argv, options) => runProcess(startProcess(argv, { ...(options?.signal ? { signal: options.signal } : {}), env }), options),
  }
}
