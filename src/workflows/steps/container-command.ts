import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Engine } from '../../engine/engine.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { unlessMissing } from '../../engine/unless-missing.ts'
import { LastLines } from './last-lines.ts'

export type ContainerCommandJob = {
  readonly engine: Engine
  readonly container: { readonly id: string; readonly name: string }
  /** For the shell of the container; or a JSON array of words, for one that has none. */
  readonly command: string
  /** How it is called in messages: the label. */
  readonly label: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** A dump of a large database takes hours, and so does reading it. */
export const longestDumpMs = 24 * 60 * 60_000

/** For code that has to know: the failure of a command in one container is of that container alone. */
export const hookReason = 'hook'

/**
 * Runs a command in a running container, and hands its standard output to `take` as it comes. When its time is over, or the
 * signal fires, the command is killed with its children where the container has a shell: an engine has no call for that.
 * Throws `io-failed` for an exit code other than 0, with the last lines that it said, and for a command that does not read all
 * of its input; what fails in reading `input` itself is thrown as it is.
 */
export async function runInContainer(job: ContainerCommandJob, streams: { readonly input?: AsyncIterable<Buffer>; readonly take?: (bytes: AsyncIterable<Buffer>) => Promise<void> } = {}): Promise<void> {
  const { engine, container, command, timeoutMs, signal } = job
  const limit = AbortSignal.timeout(timeoutMs)
  const ending = AbortSignal.any([signal, limit])
  const mark = `drayage-${process.pid}-${Math.random().toString(36).slice(2)}`
  const { take, input } = streams
  const said = new LastLines()
  try {
    const running = await engine.containers.startExec(container.id, wordsOf(command), { signal: ending, env: [`${markVariable}=${mark}`], stdin: input !== undefined })
    try {
      const noises = pipeline(running.stderr, said.sink(), { signal: ending })
      const feeding = input === undefined ? undefined : feed(input, running.stdin, ending)
      const taken = take === undefined ? pipeline(running.stdout, said.sink(), { signal: ending }) : take(running.stdout as AsyncIterable<Buffer>)
      const [hasReadAll = true] = await Promise.all([feeding, noises, taken])
      const exitCode = await running.exitCode()
      if (exitCode !== 0) throw failed(job, `ended with exit code ${exitCode}`, said)
      if (!hasReadAll) throw failed(job, 'ended before it had read all of its input', said)
    } finally {
      running.close()
    }
  } catch (thrown) {
    if (!ending.aborted) throw thrown
    await kill(job, mark)
    signal.throwIfAborted()
    throw failed(job, `did not end within ${Math.round(timeoutMs / 1000)} s, and was killed; ${timeoutMs === longestDumpMs ? 'a dump may take that long' : 'the label dray.hook-timeout gives it more seconds'}`, said)
  }
}

const markVariable = 'DRAYAGE_HOOK'

/** False when the command stopped reading. */
async function feed(input: AsyncIterable<Buffer>, stdin: Writable, signal: AbortSignal): Promise<boolean> {
  let failure: unknown
  async function* watched(): AsyncGenerator<Buffer> {
    try {
      yield* input
    } catch (thrown) {
      failure = thrown
      throw thrown
    }
  }
  try {
    await pipeline(watched, stdin, { signal })
    return true
  } catch (thrown) {
    if (failure !== undefined || signal.aborted) throw failure ?? thrown
    return false
  }
}

function failed({ container, command, label }: ContainerCommandJob, how: string, said: LastLines): DrayError {
  const last = said.text()
  return new DrayError('io-failed', `${label} of container "${container.name}" ${how}${last === '' ? '' : `: ${last}`}`, { reason: hookReason, hints: [`try it by hand: docker exec ${container.name} ${command.startsWith('[') ? '…' : `sh -c '${command.replaceAll("'", `'\\''`)}'`}`] })
}

function wordsOf(command: string): readonly string[] {
  if (command.startsWith('[')) {
    try {
      const words: unknown = JSON.parse(command)
      if (Array.isArray(words) && words.length > 0 && words.every(word => typeof word === 'string')) return words
    } catch {
      // It is a line for the shell that begins with a bracket.
    }
  }
  return ['sh', '-c', command]
}

/** Finds the processes by their environment: an exec has a process id only in the host's namespace. */
async function kill({ engine, container }: ContainerCommandJob, mark: string): Promise<void> {
  const script = `for each in /proc/[0-9]*; do if tr '\\0' '\\n' < "$each/environ" 2>/dev/null | grep -qx '${markVariable}=${mark}'; then kill -9 "\${each#/proc/}" 2>/dev/null; fi; done; true`
  await unlessMissing(engine.containers.exec(container.id, ['sh', '-c', script], { signal: AbortSignal.timeout(10_000) })).catch(() => undefined)
}
