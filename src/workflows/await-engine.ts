import { setTimeout as delay } from 'node:timers/promises'
import type { Engine } from '../engine/engine.ts'
import { DrayError } from '../errors/dray-error.ts'

/** Longer than a daemon's restart, which takes seconds. */
const patienceMs = 30_000
const pauseMs = 300

/** Engines that did not come back: nobody waits for them a second time. */
const givenUp = new WeakSet<Engine>()

/**
 * For what must not stay undone: while the engine cannot be reached, `work` is tried again for up to half a minute. It must
 * be idempotent. `say` is told once that, and why, there is a wait. The signal ends the wait.
 */
export async function awaitEngine<Result>(engine: Engine, work: () => Promise<Result>, say: (text: string) => void, { purpose = 'to put everything back', signal }: { readonly purpose?: string; readonly signal?: AbortSignal } = {}): Promise<Result> {
  const deadline = performance.now() + patienceMs
  for (let isFirst = true; ; isFirst = false) {
    try {
      return await work()
    } catch (thrown) {
      if (!(thrown instanceof DrayError && thrown.code === 'engine-unreachable') || givenUp.has(engine)) throw thrown
      if (performance.now() > deadline) {
        givenUp.add(engine)
        engine.giveUp()
        throw thrown
      }
      if (isFirst) say(`${thrown.message}: trying again for up to ${patienceMs / 1000} s, ${purpose}`)
      await delay(pauseMs, undefined, signal === undefined ? {} : { signal })
    }
  }
}
