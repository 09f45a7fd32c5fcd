import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * What is compressed or decompressed lies outside of the heap, where V8 lets much of it gather before it collects. A
 * collection of the young objects takes less than a millisecond.
 */
const collectAfterBytes = 4 * 1024 * 1024

const collectAllAfterBytes = 16 * 1024 * 1024

let passedBytes = 0
let passedOldBytes = 0
let collector: ((options?: { readonly type: 'minor' }) => void) | undefined

/** So many bytes were worked on by this thread, and let go. */
export function noteGarbage(bytes: number): void {
  passedBytes += bytes
  if (passedBytes < collectAfterBytes) return
  passedBytes = 0
  collectYoung()
}

/**
 * The same where memory counts more than time: from Node.js 22 on, zlib's decoders, and their buffers with them, are let go by a
 * collection of all objects alone. That takes a few milliseconds in a thread that has hardly any.
 */
export function noteOldGarbage(bytes: number): void {
  passedOldBytes += bytes
  if (passedOldBytes < collectAllAfterBytes) return
  passedOldBytes = 0
  theCollector()()
}

export function collectYoung(): void {
  theCollector()({ type: 'minor' })
}

function theCollector(): NonNullable<typeof collector> {
  if (collector !== undefined) return collector
  setFlagsFromString('--expose-gc')
  collector = runInNewContext('gc') as NonNullable<typeof collector>
  return collector
}
