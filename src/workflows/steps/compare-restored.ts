import { compareSpecs, type SpecComparison } from '../../engine/spec/compare-specs.ts'
import type { Engine } from '../../engine/engine.ts'
import { recordContainer } from '../../engine/spec/record-container.ts'
import type { RestoreOptions, RestorePlan, WantedContainer, WantedMount } from '../restore-plan.ts'
import type { Run } from '../run.ts'
import type { GivenState } from './give-state.ts'

export type CompareJob = { readonly run: Run; readonly engine: Engine; readonly stored: WantedContainer; readonly plan: Omit<RestorePlan<WantedMount>, 'mounts'>; readonly options: RestoreOptions; readonly id: string; readonly given: GivenState }

/**
 * Inspects again, and compares field by field. What was announced is told apart: losses, a state that was not given back, the
 * settings of a network that was there and took the place of the recorded one.
 */
export async function compareRestored({ run, engine, stored, plan, options, id, given }: CompareJob): Promise<SpecComparison> {
  const restored = await recordContainer(engine, id, { signal: run.signal })
  const chosen = [...options.remaps.networks.values()].filter(network => plan.networks.every(({ Name }) => Name !== network))
  const announced = [...chosen.map(network => `Networks.${network}`), ...plan.request.losses.map(({ field }) => field), ...(given.because === undefined ? [] : ['State.Status'])]
  return compareSpecs(stored.spec, restored, { name: plan.name, imageRef: plan.imageRef, remaps: options.remaps, peers: plan.peers, announced })
}
