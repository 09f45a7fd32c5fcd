import type { ContainerInspect } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { FreezeFacts } from '../container-spec.ts'
import type { Run } from '../run.ts'
import { chooseFreeze, Frozen, type Consistency } from './freeze.ts'
import { awaitOtherRests } from './other-rests.ts'
import { RestWatch } from './rest-watch.ts'

export type RestJob = { readonly run: Run; readonly engine: Engine; readonly container: ContainerInspect; readonly wanted: Consistency }

const mostAttempts = 3
const mostConflicts = 10

/**
 * Brings the container to rest, reads, and lets it run again, whatever happens. When somebody else let it run meanwhile, what
 * was read is not of one moment: it is read again, and after the third time that is said.
 */
export async function readAtRest<Result>({ run, engine, container, wanted }: RestJob, read: (container: ContainerInspect) => Promise<Result>): Promise<{ result: Result; freeze: FreezeFacts }> {
  let conflicts = 0
  for (let attempt = 1; ; attempt++) {
    await awaitOtherRests(run, container.Id)
    const now = await engine.containers.inspect(container.Id, { signal: run.signal })
    const way = chooseFreeze(now, wanted)
    if (way === 'stop' && wanted === 'pause') run.reporter.warn(`container "${now.Name.slice(1)}" is being restarted over and over and cannot be paused: it is stopped for the moment`)
    if (way === 'pause' && wanted === 'stop') run.reporter.note(`container "${now.Name.slice(1)}" would be removed when it stops (--rm): it is paused instead`)
    const outcome = way === 'pause' || way === 'stop' ? await frozen(run, engine, now, way, conflicts < mostConflicts, read) : way === 'still already' ? await still(engine, now, read) : { result: await read(now), milliseconds: 0, disturbed: false }
    if (outcome === undefined) {
      conflicts++
      attempt--
      continue
    }
    const { result, milliseconds, disturbed } = outcome
    if (!disturbed || attempt === mostAttempts) {
      if (disturbed) run.reporter.warn(`container "${now.Name.slice(1)}" was started or unpaused by somebody else each time it was read: its data may not be of one moment`)
      return { result, freeze: { wanted, way, milliseconds, disturbed } }
    }
    run.reporter.note(`container "${now.Name.slice(1)}" was started or unpaused by somebody else while it was read: reading again`)
  }
}

type Outcome<Result> = { readonly result: Result; readonly milliseconds: number; readonly disturbed: boolean }

/** Undefined when it could not be paused as it was, because somebody else paused it, or it ended: then it is to be looked at anew. */
async function frozen<Result>(run: Run, engine: Engine, container: ContainerInspect, way: 'pause' | 'stop', mayBeOther: boolean, read: (container: ContainerInspect) => Promise<Result>): Promise<Outcome<Result> | undefined> {
  const rest = await Frozen.freeze(engine, run.journal, container, way, undefined, text => run.reporter.warn(text)).catch((thrown: unknown) => {
    if (thrown instanceof DrayError && thrown.code === 'conflict' && mayBeOther) return undefined
    throw thrown
  })
  if (rest === undefined) return undefined
  let milliseconds = 0
  let result: Result
  try {
    result = await read(container)
  } finally {
    milliseconds = await rest.thaw()
  }
  return { result, milliseconds, disturbed: rest.disturbed }
}

/** One that rests already may be woken while it is read, and be at rest again afterwards: another backup does that. */
async function still<Result>(engine: Engine, container: ContainerInspect, read: (container: ContainerInspect) => Promise<Result>): Promise<Outcome<Result>> {
  const watch = await RestWatch.begin(engine, container.Id, undefined)
  try {
    const result = await read(container)
    const { State } = await engine.containers.inspect(container.Id)
    const moved = State.Running !== container.State.Running || State.Paused !== container.State.Paused || State.StartedAt !== container.State.StartedAt
    await watch.conclude(0)
    return { result, milliseconds: 0, disturbed: moved || watch.disturbed }
  } finally {
    watch.end()
  }
}
