import type { SpecComparison } from '../../engine/spec/compare-specs.ts'
import { nameOf } from '../../engine/spec/spec-record.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { MigrateJob, Move } from '../migration.ts'
import { compareRestored } from './compare-restored.ts'
import { createContainer } from './create-container.ts'
import { giveState, type GivenState } from './give-state.ts'
import { makePlacesOf } from './make-places.ts'
import type { SentImages } from './send-images.ts'
import { startTogether } from './start-together.ts'

type Job = MigrateJob & { readonly moves: readonly Move[] }

/** Longer than for a restore: the source is retired afterwards. */
const settledMs = 2_000

/** Once each, however many of the containers use them. */
export async function makePlaces({ run, target, moves }: Job): Promise<void> {
  await makePlacesOf({ run, engine: target }, moves.map(({ plan }) => plan))
}

/** In order. Returns the ids on the target by those on the source. */
export async function createAll({ run, target, moves, images }: Job & { readonly images: SentImages }): Promise<Map<string, string>> {
  const ids = new Map<string, string>()
  for (const { spec, plan } of moves) {
    const { inspect } = spec
    const wantedId = images.wanted.get(inspect.Id)
    if (wantedId === undefined) throw new RangeError(`no image was sent for "${nameOf(inspect)}"`)
    ids.set(inspect.Id, await createContainer({ run, engine: target, plan, images: { wantedId }, spec }))
  }
  return ids
}

export type StartedCopies = {
  /** By the container's id on the source. */
  readonly given: ReadonlyMap<string, GivenState>
  /** By performance.now(): when the last one was up; undefined when none was to run. */
  readonly upAt: number | undefined
}

/** Starts them in order; one that others need is waited for before those are started. All have to become healthy, or to stay up. */
export async function startAll({ run, target, moves, options, ids }: Job & { readonly ids: ReadonlyMap<string, string> }): Promise<StartedCopies> {
  const wishes = {
    start: true,
    settledMs,
    mustStay: true,
    hint: 'the source runs again: look at what its container says there, or give it more time with --health-timeout',
    ...(options.waitFor === undefined ? {} : { waitFor: options.waitFor }),
    ...(options.healthSeconds === undefined ? {} : { healthSeconds: options.healthSeconds }),
  }
  const ups: number[] = []
  const given = await startTogether(run, moves, (move, within, watch) => giveState({ run: within, engine: target, stored: move, options: wishes, id: idOf(ids, move) }, watch), atMs => ups.push(atMs))
  return { given: new Map([...given].map(([move, state]) => [move.spec.inspect.Id, state])), upAt: ups.length === 0 ? undefined : Math.max(...ups) }
}

/** By the container's id on the source. */
export async function compareAll({ run, target, moves, options, ids, started }: Job & { readonly ids: ReadonlyMap<string, string>; readonly started: StartedCopies }): Promise<Map<string, SpecComparison>> {
  const comparisons = new Map<string, SpecComparison>()
  for (const move of moves) {
    const { Id } = move.spec.inspect
    const given = started.given.get(Id)
    if (given === undefined) throw new DrayError('unexpected', `nothing is known of the state of "${nameOf(move.spec.inspect)}"`)
    comparisons.set(Id, await compareRestored({ run, engine: target, stored: move, plan: move.plan, options: { replace: false, start: true, remaps: options.remaps, keep: [], reader: options.reader, skipDamaged: false }, id: idOf(ids, move), given }))
  }
  return comparisons
}

function idOf(ids: ReadonlyMap<string, string>, { spec: { inspect } }: Move): string {
  const id = ids.get(inspect.Id)
  if (id === undefined) throw new RangeError(`container "${nameOf(inspect)}" was not created`)
  return id
}
