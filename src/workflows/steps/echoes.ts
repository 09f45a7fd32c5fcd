import { setTimeout as delay } from 'node:timers/promises'
import type { CallOptions, Engine } from '../../engine/engine.ts'

/** Measured: milliseconds on an idle machine, tens of them on a loaded one. */
const longestEchoMs = 1_000

/**
 * Waits until the engine has heard the last of an unpausing that has just been. It hears of each one from containerd once more,
 * later, and if the container is paused again by then, takes it for somebody's: it says so as an event, and in inspect
 * (moby's daemon/monitor.go, EventPaused and EventResumed; seen with 20.10 in 2 of 100). Returns the engine's time then.
 */
export async function awaitEchoes(engine: Engine, container: string, options: CallOptions = {}): Promise<string> {
  const now = await engine.clock(options)
  const window = { since: earlier(now, longestEchoMs / 1000), until: now }
  let last: number | undefined
  for await (const { timeNano } of engine.events({ type: ['container'], container: [container], event: ['unpause'] }, options.signal ?? new AbortController().signal, window)) last = timeNano
  if (last === undefined) return now
  await delay(longestEchoMs - (Number(now) * 1000 - last / 1e6), undefined, options)
  return await engine.clock(options)
}

function earlier(clock: string, seconds: number): string {
  const [whole, fraction] = clock.split('.')
  return `${Number(whole) - seconds}.${fraction ?? '0'}`
}
