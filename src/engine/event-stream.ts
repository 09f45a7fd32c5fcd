import type { ApiClient } from './api-client.ts'
import type { EngineEvent } from './engine.ts'
import { connectionLost } from './engine-error.ts'
import { readNdjson } from './ndjson.ts'

/** Events from now on. The iteration ends, without an error, when the signal fires; a lost connection is an error. */
export async function* engineEvents(client: ApiClient, filters: Record<string, string[]>, signal: AbortSignal): AsyncGenerator<EngineEvent, void, undefined> {
  if (signal.aborted) return
  const doing = 'following the events'
  try {
    const { body } = await client.download({ method: 'GET', path: '/events', query: { filters }, doing, signal })
    for await (const event of readNdjson(body)) yield event as EngineEvent
  } catch (thrown) {
    if (isAborted(signal)) return
    throw thrown
  }
  throw connectionLost(client.address, doing)
}

const isAborted = (signal: AbortSignal): boolean => signal.aborted
