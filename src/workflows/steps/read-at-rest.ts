import type { ContainerInspect } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import type { FreezeFacts } from '../container-spec.ts'
import type { Run } from '../run.ts'
import { chooseFreeze, Frozen, type Consistency } from './freeze.ts'

export type RestJob = { readonly run: Run; readonly engine: Engine; readonly container: ContainerInspect; readonly wanted: Consistency }

const mostAttempts = 3

/**
 * Brings the container to rest, reads, and lets it run again, whatever happens. When somebody else let it run meanwhile, what
 * was read is not of one moment: it is read again, and after the third time that is said.
 */
export async function readAtRest<Result>({ run, engine, container, wanted }: RestJob, read: (container: ContainerInspect) => Promise<Result>): Promise<{ result: Result; freeze: FreezeFacts }> {
  for (let attempt = 1; ; attempt++) {
    const now = await engine.containers.inspect(container.Id, { signal: run.signal })
    const way = chooseFreeze(now, wanted)
    if (way === 'stop' && wanted === 'pause') run.reporter.warn(`container "${now.Name.slice(1)}" is being restarted over and over and cannot be paused: it is stopped for the moment`)
    if (way === 'pause' && wanted === 'stop') run.reporter.note(`container "${now.Name.slice(1)}" would be removed when it stops (--rm): it is paused instead`)
    const { result, milliseconds, disturbed } = way === 'pause' || way === 'stop' ? await frozen(run, engine, now, way, read) : await unfrozen(engine, now, way === 'still already', read)
    if (!disturbed || attempt === mostAttempts) {
      if (disturbed) run.reporter.warn(`container "${now.Name.slice(1)}" was started or unpaused by somebody else each time it was read: its data may not be of one moment`)
      return { result, freeze: { wanted, way, milliseconds, disturbed } }
    }
    run.reporter.note(`container "${now.Name.slice(1)}" was started or unpaused by somebody else while it was read: reading again`)
  }
}

type Outcome<Result> = { readonly result: Result; readonly milliseconds: number; readonly disturbed: boolean }

async function frozen<Result>(run: Run, engine: Engine, container: ContainerInspect, way: 'pause' | 'stop', read: (container: ContainerInspect) => Promise<Result>): Promise<Outcome<Result>> {
  const rest = await Frozen.freeze(engine, run.journal, container, way)
  let milliseconds = 0
  let result: Result
  try {
    result = await read(container)
  } finally {
    milliseconds = await rest.thaw()
  }
  return { result, milliseconds, disturbed: rest.disturbed }
}

async function unfrozen<Result>(engine: Engine, container: ContainerInspect, shouldRest: boolean, read: (container: ContainerInspect) => Promise<Result>): Promise<Outcome<Result>> {
  const result = await read(container)
  const { State } = await engine.containers.inspect(container.Id)
  const moved = State.Running !== container.State.Running || State.Paused !== container.State.Paused || State.StartedAt !== container.State.StartedAt
  return { result, milliseconds: 0, disturbed: shouldRest && moved }
}
