import type { Engine } from '../../engine/engine.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { Run } from '../run.ts'
import type { GivenState } from './give-state.ts'

export type DrillCommand = { readonly command: string; readonly exitCode: number; readonly output: string }

export type ExecJob = { readonly run: Run; readonly engine: Engine; readonly id: string; readonly given: GivenState; readonly command: string; readonly seconds: number; readonly hint: string }

const mostOutput = 4_000

/** Runs a shell command in the copy. `unhealthy`, with what it said, when it fails, or does not end in time. */
export async function execInDrill({ run, engine, id, given, command, seconds, hint }: ExecJob): Promise<DrillCommand> {
  if (given.status !== 'running') throw new DrayError('unhealthy', `"${command}" cannot run: the container is ${given.status}${given.because === undefined ? '' : ` (${given.because})`}`, { hints: ['drill it without --exec'] })
  const deadline = AbortSignal.timeout(seconds * 1000)
  try {
    const { exitCode, stdout, stderr } = await engine.containers.exec(id, ['sh', '-c', command], { signal: AbortSignal.any([run.signal, deadline]) })
    const output = `${stdout.toString()}${stderr.toString()}`.trim().slice(-mostOutput)
    if (exitCode === 0) return { command, exitCode, output }
    throw new DrayError('unhealthy', `"${command}" failed in the copy: exit code ${exitCode}: ${output || 'no output'}`, { hints: [hint] })
  } catch (thrown) {
    run.signal.throwIfAborted()
    if (deadline.aborted) throw new DrayError('unhealthy', `"${command}" did not end within ${seconds} s in the copy`, { hints: ['give it longer: --exec-timeout SECONDS', hint], cause: thrown })
    throw thrown
  }
}
