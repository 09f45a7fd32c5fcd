import { DrayError } from '../errors/dray-error.ts'
import type { ApiClient } from './api-client.ts'
import type { CallOptions } from './engine.ts'
import { parseAnswer } from './plain-verbs.ts'

/** The engine's time as `since` of its events takes it: `1700000000.123456789`. */
export async function readEngineClock(client: ApiClient, options?: CallOptions): Promise<string> {
  const info = parseAnswer(await client.quick({ method: 'GET', path: '/info', doing: 'asking for the time', signal: options?.signal })) as { SystemTime?: unknown }
  const seconds = toUnixTime(String(info.SystemTime))
  if (seconds === undefined) throw new DrayError('refused', `the engine at "${client.address}" does not tell its time`)
  return seconds
}

/** RFC 3339 with any number of digits, as Go writes it. Undefined for anything else. */
export function toUnixTime(text: string): string | undefined {
  const [, whole, fraction = '', zone] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text) ?? []
  const milliseconds = whole === undefined || zone === undefined ? NaN : Date.parse(whole + zone)
  return Number.isNaN(milliseconds) ? undefined : `${milliseconds / 1000}.${fraction.padEnd(9, '0')}`
}
