import { setTimeout as delay } from 'node:timers/promises'
import type { Engine } from '../engine/engine.ts'

const defaultStopSeconds = 10
const marginMs = 2_000
const pollMs = 100

/** Returns whether it was paused until now. */
export async function unpauseContainer({ containers }: Engine, id: string): Promise<boolean> {
  const { State } = await containers.inspect(id)
  if (State.Paused) await containers.unpause(id)
  return State.Paused
}

/**
 * Returns whether it was stopped until now. `askedAt` is when the engine was asked to stop it, where the answer to that was
 * never seen: an engine goes on with a stop whose client is gone, so that a container that runs still may be about to end.
 */
export async function startContainer({ containers }: Engine, id: string, askedAt?: number): Promise<boolean> {
  for (;;) {
    const { State, Config } = await containers.inspect(id)
    if (!State.Running) {
      await containers.start(id)
      return true
    }
    if (askedAt === undefined || State.Paused || Date.parse(State.StartedAt) > askedAt) return false
    const stopSeconds = typeof Config['StopTimeout'] === 'number' ? Config['StopTimeout'] : defaultStopSeconds
    if (Date.now() > askedAt + stopSeconds * 1000 + marginMs) return false
    await delay(pollMs)
  }
}
