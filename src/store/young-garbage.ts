import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * What is compressed or decompressed lies outside of the heap, where V8 lets much of it gather before it collects. A
 * collection of the young objects takes less than a millisecond.
 */
const collectAfterBytes = 8 * 1024 * 1024

let passedBytes = 0
let collector: ((options: { readonly type: 'minor' }) => void) | undefined

/** So many bytes were worked on by this thread, and let go. */
export function noteGarbage(bytes: number): void {
  passedBytes += bytes
  if (passedBytes < collectAfterBytes) return
  passedBytes = 0
  collectYoung()
}

export function collectYoung(): void {
  if (collector === undefined) {
    setFlagsFromString('--expose-gc')
    collector = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void
  }
  collector({ type: 'minor' })
}
