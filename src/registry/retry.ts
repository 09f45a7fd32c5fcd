import { setTimeout as delay } from 'node:timers/promises'

export type RetryOptions = { readonly tries: number; readonly firstPauseMs: number; readonly longestPauseMs: number }

/** Half a minute in all: as long as a registry takes to start again. */
export const defaultRetry: RetryOptions = { tries: 8, firstPauseMs: 250, longestPauseMs: 10_000 }
/** Nobody waits longer for a registry that says when it wants to be asked again. */
const longestWishMs = 120_000

/** Waits before try number `tried` + 1: twice as long each time, with some chance, or as long as the registry wants. */
export async function pauseBefore(tried: number, { firstPauseMs, longestPauseMs }: RetryOptions, wishMs: number | undefined, signal?: AbortSignal): Promise<void> {
  const own = Math.min(longestPauseMs, firstPauseMs * 2 ** (tried - 1)) * (0.5 + Math.random())
  await delay(wishMs === undefined ? own : Math.min(wishMs, longestWishMs), undefined, signal ? { signal } : {}).catch((thrown: unknown) => {
    signal?.throwIfAborted()
    throw thrown
  })
}

/** Retry-After: seconds or a date. */
export function readRetryAfter(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}
