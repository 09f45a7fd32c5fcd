import type { ContainerRecord } from '../../engine/spec/spec-record.ts'
import type { Run } from '../run.ts'
import { neededBy } from './choose-together.ts'
import type { GivenState, StateWatch } from './give-state.ts'

/**
 * Gives containers their states, in the given order: each is started when the one before is, and one that others need is waited for
 * before those are started. When one fails the others are given up, and all have ended when this rejects.
 */
export async function startTogether<Each extends { readonly spec: ContainerRecord }>(run: Run, containers: readonly Each[], give: (each: Each, run: Run, watch: StateWatch) => Promise<GivenState>, up: (atMs: number) => void = () => undefined): Promise<Map<Each, GivenState>> {
  const ending = new AbortController()
  const within = { ...run, signal: AbortSignal.any([run.signal, ending.signal]) }
  const giving: Promise<GivenState>[] = []
  try {
    for (const each of containers) {
      await new Promise<void>((resolve, reject) => {
        const given = give(each, within, { started: resolve, up })
        giving.push(given)
        given.then(() => resolve(), reject)
      })
      if (containers.some(other => neededBy(other, containers).includes(each))) await giving.at(-1)
    }
    const states = await Promise.all(giving)
    return new Map(states.flatMap((state, at) => (containers[at] === undefined ? [] : [[containers[at], state] as const])))
  } catch (thrown) {
    ending.abort(thrown)
    await Promise.allSettled(giving)
    throw run.signal.aborted ? run.signal.reason : thrown
  }
}
