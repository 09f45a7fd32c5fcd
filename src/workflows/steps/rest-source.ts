import { nameOf } from '../../engine/spec/spec-record.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { MigrateJob, Move } from '../migration.ts'
import { awaitEchoes } from './echoes.ts'
import { chooseFreeze, Frozen } from './freeze.ts'
import { awaitOtherRests } from './other-rests.ts'

/** The source at rest. `since`: when the first container was asked to, by performance.now(); undefined when none had to be. */
export type Rest = { readonly frozen: readonly Frozen[]; readonly since: number | undefined }

/**
 * Brings the containers to rest, those that need others first. Each entry of the journal is there before the engine is asked,
 * and stays open: it is the way back. One that is not what it was when the run began is a `conflict`.
 */
export async function bringToRest({ run, source, options, moves }: MigrateJob & { readonly moves: readonly Move[] }): Promise<Rest> {
  const frozen: Frozen[] = []
  let since: number | undefined
  try {
    for (const { spec: { inspect } } of [...moves].reverse()) {
      await awaitOtherRests(run, inspect.Id)
      const engineTime = options.consistency === 'pause' ? await awaitEchoes(source, inspect.Id, { signal: run.signal }) : undefined
      const now = await source.containers.inspect(inspect.Id, { signal: run.signal })
      if (now.State.Status !== inspect.State.Status && !(now.State.Restarting || inspect.State.Restarting)) throw new DrayError('conflict', `container "${nameOf(inspect)}" was ${inspect.State.Status} when the migration began, and is ${now.State.Status} now`, { hints: ['run the same command again'] })
      const way = chooseFreeze(now, options.consistency)
      if (way !== 'pause' && way !== 'stop') continue
      run.signal.throwIfAborted()
      since ??= performance.now()
      frozen.push(await Frozen.freeze(source, run.journal, now, way, { say: text => run.reporter.warn(text), since: engineTime }))
    }
    return { frozen, since }
  } catch (thrown) {
    await leaveAtRest({ frozen })
    throw thrown
  }
}

/** Ends the watching. */
export function leaveAtRest({ frozen }: Pick<Rest, 'frozen'>): Promise<void> {
  for (const each of frozen) each.leave()
  return Promise.resolve()
}

/** What was read while somebody else let a container run is not of one moment, and what it wrote since would be lost: `conflict`. */
export async function requireRest({ source, run, options, moves, rest }: MigrateJob & { readonly moves: readonly Move[]; readonly rest: Rest }): Promise<void> {
  if (rest.since === undefined) return
  const names = moves.map(({ spec: { inspect } }) => `"${nameOf(inspect)}"`).join(', ')
  const states = await Promise.all(moves.map(({ spec: { inspect } }) => source.containers.inspect(inspect.Id, { signal: run.signal })))
  const runs = options.consistency !== 'none' && states.some(({ State }) => State.Running && !State.Paused)
  if (runs || rest.frozen.some(({ disturbed }) => disturbed)) throw new DrayError('conflict', `somebody else started what is moved (${names}) while it rested`, { hints: ['see that nothing starts it, and run the same command again'] })
}
