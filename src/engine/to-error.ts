import { isNativeError } from 'node:util/types'

/** What was thrown, as streams want it. */
export function toError(thrown: unknown): Error {
  return isNativeError(thrown) ? thrown : new Error(String(thrown), { cause: thrown })
}
