import { compareSpecs, type SpecComparison } from '../../engine/spec/compare-specs.ts'
import type { Engine } from '../../engine/engine.ts'
import { recordContainer } from '../../engine/spec/record-container.ts'
import type { RestoreOptions, RestorePlan, StoredContainer } from '../restore-plan.ts'
import type { Run } from '../run.ts'
import type { GivenState } from './give-state.ts'

export type CompareJob = { readonly run: Run; readonly engine: Engine; readonly stored: StoredContainer; readonly plan: RestorePlan; readonly options: RestoreOptions; readonly id: string; readonly given: GivenState }

/** Inspects again, and compares field by field. What was announced (losses, a state that was not given back) is told apart. */
export async function compareRestored({ run, engine, stored, plan, options, id, given }: CompareJob): Promise<SpecComparison> {
  const restored = await recordContainer(engine, id, { signal: run.signal })
  const announced = [...plan.request.losses.map(({ field }) => field), ...(given.because === undefined ? [] : ['State.Status'])]
  return compareSpecs(stored.spec, restored, { name: plan.name, imageRef: plan.imageRef, remaps: options.remaps, peers: plan.peers, announced })
}
