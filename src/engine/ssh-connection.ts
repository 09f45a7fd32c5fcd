import { DrayError } from '../errors/dray-error.ts'
import type { SshTarget } from './endpoint.ts'
import type { Dial } from './engine-agent.ts'
import type { HostShell } from './host-shell.ts'

export async function openSsh(_target: SshTarget, _env: NodeJS.ProcessEnv, _signal: AbortSignal | undefined): Promise<{ dial: Dial; shell: HostShell; close(): Promise<void> }> {
  return Promise.reject(new DrayError('engine-unreachable', 'ssh is not there yet'))
}
