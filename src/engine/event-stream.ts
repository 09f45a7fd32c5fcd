import type { ApiClient } from './api-client.ts'
import type { EngineEvent, EventWindow } from './engine.ts'
import { connectionLost } from './engine-error.ts'
import { readNdjson } from './ndjson.ts'

/** The iteration ends, without an error, when the signal fires or `until` has come; a lost connection is an error. */
export async function* engineEvents(client: ApiClient, filters: Record<string, string[]>, signal: AbortSignal, { since, until }: EventWindow = {}): AsyncGenerator<EngineEvent, void, undefined> {
  if (signal.aborted) return
  const doing = 'following the events'
  try {
    const { body } = await client.download({ method: 'GET', path: '/events', query: { filters, since, until }, doing, signal })
    for await (const event of readNdjson(body)) yield event as EngineEvent
  } catch (thrown) {
    if (isAborted(signal)) return
    throw thrown
  }
  if (until === undefined) throw connectionLost(client.address, doing)
}

const isAborted = (signal: AbortSignal): boolean => signal.aborted
