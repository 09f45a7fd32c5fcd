import { setTimeout as delay } from 'node:timers/promises'
import type { ContainerInspect } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { RestoreOptions, WantedContainer } from '../restore-plan.ts'
import type { Run } from '../run.ts'

export type StateJob = { readonly run: Run; readonly engine: Engine; readonly stored: Pick<WantedContainer, 'spec'>; readonly options: Pick<RestoreOptions, 'start' | 'healthSeconds'> & HealthWishes; readonly id: string }

export type HealthWishes = {
  /** Run in the container by `sh -c` until it ends with 0. */
  readonly waitFor?: string
  /** How long one without a health check has to stay up to count as started. */
  readonly settledMs?: number
  /** One that ends by itself is a failure, however it ends. */
  readonly mustStay?: boolean
  /** What to do about one that is not healthy. */
  readonly hint?: string
}

/** Told as it happens; moments are those of performance.now(). */
export type StateWatch = { readonly started?: () => void; readonly up?: (atMs: number) => void }

export type GivenState = {
  readonly status: ContainerInspect['State']['Status']
  /** What the health check said, where there is one. */
  readonly health?: string
  /** Why the state is not the recorded one. */
  readonly because?: string
}

const usualSettledMs = 1_000
const usualHint = 'restore it without starting it, and look: --no-start'
const pollMs = 100
const defaultIntervalMs = 30_000
const defaultTimeoutMs = 30_000
const defaultRetries = 3
const commandTimeoutMs = 60_000
const commandPauseMs = 250

/**
 * Gives the container the recorded state: created, running or paused. One that had ended is left created: to make it "exited"
 * its program would have to run. A running one has to become healthy, or without a health check to stay up; else `unhealthy`
 * with its last words. It is up when a check has found it healthy, and without one from its start on.
 */
export async function giveState({ run, engine, stored: { spec }, options, id }: StateJob, watch: StateWatch = {}): Promise<GivenState> {
  const { Status } = spec.inspect.State
  if (Status === 'exited' || Status === 'dead') return { status: 'created', because: `it had ended with exit code ${spec.inspect.State.ExitCode}: it is there again, and not started` }
  if (Status === 'created' || Status === 'removing') return { status: 'created' }
  if (!options.start) return { status: 'created', because: 'not started, as asked with --no-start' }
  await start({ run, engine, id, hint: options.hint ?? usualHint })
  const startedAt = performance.now()
  watch.started?.()
  const waiting: Waiting = { run, engine, id, settledMs: options.settledMs ?? usualSettledMs, startedAt, mustStay: options.mustStay === true, hint: options.hint ?? usualHint }
  const health = await awaitHealth(waiting, spec.inspect, options.healthSeconds)
  if (options.waitFor !== undefined) await awaitCommand(waiting, options.waitFor, options.healthSeconds)
  watch.up?.(health === 'healthy' || options.waitFor !== undefined ? performance.now() : startedAt)
  const given = health === undefined ? {} : { health }
  if (Status !== 'paused') return { status: 'running', ...given }
  await engine.containers.pause(id, { signal: run.signal })
  return { status: 'paused', ...given }
}

/** The engine names it by its id. */
async function start({ run: { signal }, engine, id, hint }: Pick<Waiting, 'run' | 'engine' | 'id' | 'hint'>): Promise<void> {
  try {
    await engine.containers.start(id, { signal })
  } catch (thrown) {
    signal.throwIfAborted()
    const found = await engine.containers.inspect(id, { signal }).catch(() => undefined)
    if (!(thrown instanceof DrayError) || found === undefined) throw thrown
    throw new DrayError(thrown.code, thrown.message.replace(id, found.Name.slice(1)), { hints: [...thrown.hints, hint], cause: thrown, ...(thrown.reason === undefined ? {} : { reason: thrown.reason }) })
  }
}

type Waiting = { readonly run: Run; readonly engine: Engine; readonly id: string; readonly settledMs: number; readonly startedAt: number; readonly mustStay: boolean; readonly hint: string }

async function awaitHealth(waiting: Waiting, recorded: ContainerInspect, seconds: number | undefined): Promise<string | undefined> {
  const { run: { signal, reporter }, engine, id, settledMs, startedAt } = waiting
  const expected = recorded.State.Health?.Status
  const mustBeHealthy = expected !== undefined && expected !== 'none' && expected !== 'unhealthy'
  const deadline = startedAt + (seconds === undefined ? healthTimeoutMs(recorded) : seconds * 1000)
  for (;;) {
    const { State, RestartCount, Name } = await engine.containers.inspect(id, { signal })
    const health = State.Health?.Status
    if (!State.Running || State.Restarting || RestartCount > 0) return await ended(waiting, Name.slice(1), State, recorded)
    const isUp = performance.now() - startedAt >= settledMs
    if (health === 'healthy') return health
    if (isUp && !mustBeHealthy) return health === 'none' ? undefined : health
    if (mustBeHealthy && health === undefined && isUp) return undefined
    if (health === 'unhealthy' || (isUp && performance.now() > deadline)) throw await unhealthy(waiting, `container "${Name.slice(1)}" did not become healthy: ${State.Health?.Log?.at(-1)?.Output.trim() || health || 'no answer'}`)
    if (health === 'starting' && isUp) reporter.stepStarted(`waiting for "${Name.slice(1)}" to become healthy`)
    await delay(pollMs, undefined, { signal }).catch(() => signal.throwIfAborted())
    if (health === 'starting' && isUp) reporter.stepEnded(`waiting for "${Name.slice(1)}" to become healthy`, 'done')
  }
}

async function awaitCommand(waiting: Waiting, command: string, seconds: number | undefined): Promise<void> {
  const { run: { signal }, engine, id, startedAt } = waiting
  const deadline = startedAt + (seconds === undefined ? commandTimeoutMs : seconds * 1000)
  for (;;) {
    const { exitCode, stdout, stderr } = await engine.containers.exec(id, ['sh', '-c', command], { signal })
    if (exitCode === 0) return
    if (performance.now() > deadline) throw await unhealthy(waiting, `"${command}" did not succeed in the container: exit code ${exitCode}: ${`${stderr.toString()}${stdout.toString()}`.trim().slice(-500) || 'no output'}`)
    await delay(commandPauseMs, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}

/** One that ends well, and is not restarted, has done its work. */
async function ended(waiting: Waiting, name: string, { ExitCode, Restarting }: ContainerInspect['State'], recorded: ContainerInspect): Promise<string | undefined> {
  if (ExitCode === 0 && !Restarting && !waiting.mustStay && recorded.HostConfig.RestartPolicy.Name !== 'always') {
    waiting.run.reporter.warn(`container "${name}" ended by itself, with exit code 0`)
    return undefined
  }
  if (recorded.State.Restarting || recorded.RestartCount > 0) {
    waiting.run.reporter.warn(`container "${name}" ends and is restarted, as it was when it was backed up`)
    return undefined
  }
  throw await unhealthy(waiting, `container "${name}" ended right after its start, with exit code ${ExitCode}`)
}

async function unhealthy({ engine, id, hint }: Waiting, message: string): Promise<DrayError> {
  const words = await engine.containers.logs(id, { tail: 5 }).catch(() => '')
  return new DrayError('unhealthy', `${message}${words.trim() === '' ? '' : `; its last words: ${words.trim()}`}`, { hints: [hint] })
}

/** The time in which the container's own check would find it unhealthy, and half as much again. */
function healthTimeoutMs({ Config }: ContainerInspect): number {
  const check = (Config['Healthcheck'] ?? {}) as { Interval?: number; Timeout?: number; Retries?: number; StartPeriod?: number }
  const ms = (nanoseconds: number | undefined, otherwise: number): number => (nanoseconds === undefined || nanoseconds === 0 ? otherwise : nanoseconds / 1e6)
  const round = ms(check.Interval, defaultIntervalMs) + ms(check.Timeout, defaultTimeoutMs)
  return ms(check.StartPeriod, 0) + round * (check.Retries === undefined || check.Retries === 0 ? defaultRetries : check.Retries) * 1.5
}
