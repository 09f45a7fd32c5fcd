import { setMaxListeners } from 'node:events'
import { toError } from './to-error.ts'

/** Runs `action` when the signal fires, at once if it has; the returned function takes that back. One signal may serve any number of calls. */
export function onAbort(signal: AbortSignal | undefined, action: (reason: Error) => void): () => void {
  if (signal === undefined) return () => undefined
  const act = (): void => {
    action(toError(signal.reason))
  }
  if (signal.aborted) {
    act()
    return () => undefined
  }
  setMaxListeners(0, signal)
  signal.addEventListener('abort', act, { once: true })
  return () => signal.removeEventListener('abort', act)
}
