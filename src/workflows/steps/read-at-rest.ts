import type { ContainerInspect } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import { nameOf, type ContainerRecord } from '../../engine/spec/spec-record.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { allOrNone } from '../all-or-none.ts'
import type { FreezeFacts } from '../container-spec.ts'
import type { Run } from '../run.ts'
import { inWaves } from './choose-together.ts'
import { awaitEchoes } from './echoes.ts'
import { chooseFreeze, Frozen, type Consistency, type FreezeWay } from './freeze.ts'
import { awaitOtherRests } from './other-rests.ts'
import { undisturbed, watchStill, type Rested, type Resting } from './resting.ts'

/** `labels`: seconds that it has for stopping, else its own. */
export type RestingMember = { readonly spec: ContainerRecord; readonly wanted: Consistency; readonly labels?: { readonly stopTimeout: number | undefined } }

export type RestJob = { readonly run: Run; readonly engine: Engine; readonly members: readonly RestingMember[] }

export type RestedTogether<Result> = {
  readonly result: Result
  /** In the order of the members. */
  readonly freezes: readonly FreezeFacts[]
  /** From the first one's rest to the last one's waking. */
  readonly milliseconds: number
}

/** `since`: the engine's time before `container` was looked at. */
type Now = RestingMember & { readonly container: ContainerInspect; readonly way: FreezeWay; readonly since: string | undefined }

const mostAttempts = 3
const mostConflicts = 10

/**
 * Brings all of them to rest, reads, and lets them run again, whatever happens. When somebody else let one run meanwhile, what
 * was read is not of one moment: it is read again, and after the third time that is said.
 */
export async function readAtRest<Result>({ run, engine, members }: RestJob, read: (containers: readonly ContainerInspect[]) => Promise<Result>): Promise<RestedTogether<Result>> {
  let conflicts = 0
  for (let attempt = 1; ; attempt++) {
    const now = await lookAt(run, engine, members)
    const outcome = await restTogether(run, engine, now, conflicts < mostConflicts, read)
    if (outcome === undefined) {
      conflicts++
      attempt--
      continue
    }
    const disturbed = now.filter((_, at) => outcome.rested[at]?.disturbed === true).map(({ container }) => `"${nameOf(container)}"`)
    if (disturbed.length === 0 || attempt === mostAttempts) {
      if (disturbed.length > 0) run.reporter.warn(`container ${disturbed.join(', ')} was started or unpaused by somebody else each time it was read: its data may not be of one moment`)
      const freezes = now.map(({ wanted, way }, at) => ({ wanted, way, milliseconds: 0, disturbed: false, ...outcome.rested[at] }))
      return { result: outcome.result, freezes, milliseconds: outcome.milliseconds }
    }
    run.reporter.note(`container ${disturbed.join(', ')} was started or unpaused by somebody else while it was read: reading again`)
  }
}

async function lookAt(run: Run, engine: Engine, members: readonly RestingMember[]): Promise<Now[]> {
  const now: Now[] = []
  for (const { spec } of members) await awaitOtherRests(run, spec.inspect.Id)
  const clocks = await Promise.all(members.map(({ spec }) => awaitEchoes(engine, spec.inspect.Id, { signal: run.signal })))
  for (const [at, member] of members.entries()) {
    const container = await engine.containers.inspect(member.spec.inspect.Id, { signal: run.signal })
    const way = chooseFreeze(container, member.wanted)
    if (way === 'stop' && member.wanted === 'pause') run.reporter.warn(`container "${nameOf(container)}" is being restarted over and over and cannot be paused: it is stopped for the moment`)
    if (way === 'pause' && member.wanted === 'stop') run.reporter.note(`container "${nameOf(container)}" would be removed when it stops (--rm): it is paused instead`)
    now.push({ ...member, container, way, since: clocks[at] })
  }
  return now
}

type Outcome<Result> = { readonly result: Result; readonly rested: readonly Rested[]; readonly milliseconds: number }

/** Undefined when one could not be paused as it was, because somebody else paused it, or it ended: then all are to be looked at anew. */
async function restTogether<Result>(run: Run, engine: Engine, now: readonly Now[], mayBeOther: boolean, read: (containers: readonly ContainerInspect[]) => Promise<Result>): Promise<Outcome<Result> | undefined> {
  const resting = new Map<Now, Resting>()
  const startedAt = performance.now()
  let done: { readonly result: Result } | undefined
  let rested: readonly Rested[] = []
  let milliseconds = 0
  try {
    await freezeAll(run, engine, now, resting)
    done = { result: await read(now.map(({ container }) => container)) }
  } catch (thrown) {
    if (!(thrown instanceof CannotPause) || !mayBeOther) throw thrown instanceof CannotPause ? thrown.cause : thrown
  } finally {
    rested = await wakeAll(now, resting)
    milliseconds = now.some(({ way }) => way === 'pause' || way === 'stop') ? performance.now() - startedAt : 0
  }
  return done === undefined ? undefined : { ...done, rested, milliseconds }
}

class CannotPause extends Error {}

/** What is stopped first, each before those it needs; then all others at one time. Those that rest are in `resting`, also after a failure. */
async function freezeAll(run: Run, engine: Engine, now: readonly Now[], resting: Map<Now, Resting>): Promise<void> {
  const freeze = async (each: Now): Promise<void> => {
    resting.set(each, await bringToRest(run, engine, each))
  }
  await allOrNone(now.filter(({ way }) => way === 'still already' || way === 'none').map(freeze))
  const stopped = now.filter(({ way }) => way === 'stop')
  for (const wave of inWaves(stopped).reverse()) await allOrNone(wave.map(freeze))
  await allOrNone(now.filter(({ way }) => way === 'pause').map(freeze))
}

async function bringToRest(run: Run, engine: Engine, { container, way, labels, since }: Now): Promise<Resting> {
  if (way === 'none') return undisturbed
  if (way === 'still already') return await watchStill(engine, container)
  const frozen = await Frozen.freeze(engine, run.journal, container, way, { stopTimeoutSeconds: labels?.stopTimeout, say: text => run.reporter.warn(text), since }).catch((thrown: unknown) => {
    throw thrown instanceof DrayError && thrown.code === 'conflict' ? new CannotPause(thrown.message, { cause: thrown }) : thrown
  })
  return { end: async () => ({ milliseconds: await frozen.thaw(), disturbed: frozen.disturbed }) }
}

/** All are woken, also when one cannot be: then the first failure is thrown. What was paused first, and each that was stopped after those it needs. */
async function wakeAll(now: readonly Now[], resting: ReadonlyMap<Now, Resting>): Promise<Rested[]> {
  const ended = new Map<Now, PromiseSettledResult<Rested>>()
  const wake = async (members: readonly Now[]): Promise<void> => {
    await Promise.all(members.map(async member => {
      const rest = resting.get(member)
      const [result] = await Promise.allSettled(rest === undefined ? [] : [rest.end()])
      if (result !== undefined) ended.set(member, result)
    }))
  }
  await wake(now.filter(({ way }) => way === 'pause'))
  for (const wave of inWaves(now.filter(({ way }) => way === 'stop'))) await wake(wave)
  await wake(now.filter(({ way }) => way === 'still already' || way === 'none'))
  const results = now.flatMap(each => ended.get(each) ?? [])
  const failed = results.find(each => each.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return results.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []))
}
