import { RunningProcesses } from './host-process.ts'
import type { HostShell } from './host-shell.ts'

/** Programs on this machine. close() ends those that still run. */
export function localShell(env: NodeJS.ProcessEnv): { readonly shell: HostShell; readonly close: () => Promise<void> } {
  const processes = new RunningProcesses()
  return {
    shell: {
      kind: 'local',
      where: 'this machine',
      start: (argv, options) => processes.start(argv, { ...(options?.signal ? { signal: options.signal } : {}), env: { ...env, ...options?.env } }),
      run: async (argv, options) => processes.run(processes.start(argv, { ...(options?.signal ? { signal: options.signal } : {}), env }), options),
    },
    close: async () => processes.close(),
  }
}
