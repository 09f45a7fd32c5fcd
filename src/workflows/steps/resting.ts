import type { ContainerInspect } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import { RestWatch } from './rest-watch.ts'

/** How long a container rested, and whether somebody else let it run meanwhile. */
export type Rested = { readonly milliseconds: number; readonly disturbed: boolean }

/** A container that rests. end() gives it back what it did, once. */
export interface Resting {
  end(): Promise<Rested>
}

/** Neither paused nor stopped, as it was wanted. */
export const undisturbed: Resting = { end: () => Promise.resolve({ milliseconds: 0, disturbed: false }) }

/** One that rests already may be woken while it is read, and be at rest again afterwards: another backup does that. */
export async function watchStill(engine: Engine, container: ContainerInspect): Promise<Resting> {
  const watch = await RestWatch.begin(engine, container.Id, undefined)
  const end = async (): Promise<Rested> => {
    const lookedAt = performance.now()
    try {
      const { State } = await engine.containers.inspect(container.Id)
      const moved = State.Running !== container.State.Running || State.Paused !== container.State.Paused || State.StartedAt !== container.State.StartedAt
      await watch.conclude(0, lookedAt)
      return { milliseconds: 0, disturbed: moved || watch.disturbed }
    } finally {
      watch.end()
    }
  }
  return { end }
}
