import type { SpecComparison } from '../../engine/spec/compare-specs.ts'
import { nameOf } from '../../engine/spec/spec-record.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { LiveMount, MigrateJob, Move } from '../migration.ts'
import type { MountAction, RestorePlan } from '../restore-plan.ts'
import { neededBy } from './choose-together.ts'
import { compareRestored } from './compare-restored.ts'
import { createContainer } from './create-container.ts'
import { giveState, type GivenState, type StateWatch } from './give-state.ts'
import { makeNetworks, makeVolumes } from './restore-mounts.ts'
import type { SentImages } from './send-images.ts'

type Job = MigrateJob & { readonly moves: readonly Move[] }

/** Longer than for a restore: the source is retired afterwards. */
const settledMs = 2_000

/** Once each, however many of the containers use them. */
export async function makePlaces({ run, target, moves }: Job): Promise<void> {
  const networks = new Map<string, RestorePlan['networks'][number]>()
  for (const network of moves.flatMap(({ plan }) => plan.networks)) if (!networks.has(network.Name) || hasPools(network)) networks.set(network.Name, network)
  await makeNetworks({ run, engine: target, plan: { networks: [...networks.values()] } })
  const volumes = new Map(moves.flatMap(({ plan }) => plan.request.volumes.map(volume => [volume.Name, volume] as const)))
  const mounts: readonly MountAction<LiveMount>[] = moves.flatMap(({ plan }) => plan.mounts)
  await makeVolumes({ run, engine: target, plan: { request: { volumes: [...volumes.values()] }, mounts } })
}

/** An address that one of the containers has for its own needs the network's subnet. */
function hasPools(network: RestorePlan['networks'][number]): boolean {
  return ((network['IPAM'] as { Config?: unknown[] } | undefined)?.Config ?? []).length > 0
}

/** In order. Returns the ids on the target by those on the source. */
export async function createAll({ run, target, moves, images }: Job & { readonly images: SentImages }): Promise<Map<string, string>> {
  const ids = new Map<string, string>()
  for (const { spec: { inspect }, plan } of moves) {
    const wantedId = images.wanted.get(inspect.Id)
    if (wantedId === undefined) throw new RangeError(`no image was sent for "${nameOf(inspect)}"`)
    ids.set(inspect.Id, await createContainer({ run, engine: target, plan, images: { wantedId } }))
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
  const ending = new AbortController()
  const within = { ...run, signal: AbortSignal.any([run.signal, ending.signal]) }
  const giving: Promise<GivenState>[] = []
  const ups: number[] = []
  const start = (move: Move, watch: StateWatch): Promise<GivenState> => giveState({ run: within, engine: target, stored: move, options: wishes, id: idOf(ids, move) }, watch)
  try {
    for (const move of moves) {
      await new Promise<void>((resolve, reject) => {
        const given = start(move, { started: resolve, up: atMs => ups.push(atMs) })
        giving.push(given)
        given.then(() => resolve(), reject)
      })
      if (moves.some(other => neededBy(other, moves).includes(move))) await giving.at(-1)
    }
    const states = await Promise.all(giving)
    return { given: new Map(states.map((state, at) => [moves[at]?.spec.inspect.Id ?? '', state])), upAt: ups.length === 0 ? undefined : Math.max(...ups) }
  } catch (thrown) {
    ending.abort(thrown)
    await Promise.allSettled(giving)
    throw run.signal.aborted ? run.signal.reason : thrown
  }
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
