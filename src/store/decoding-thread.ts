/** The program of a thread of decoding-threads.ts. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { parentPort } from 'node:worker_threads'
import { decodeChunk, type DecodeJob } from './decode-chunk.ts'
import { describeFailure, type DecodeReply } from './decoding-reply.ts'

type Asked = DecodeJob & { readonly number: number }

/**
 * What is decompressed lies outside of the heap, where V8 lets much of it gather before it collects. A collection of the young
 * objects takes less than a millisecond here.
 */
const collectAfterBytes = 16 * 1024 * 1024

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void
let passedBytes = 0

// One in each turn of the event loop: messages alone would be taken as long as there are any, and what was collected is freed
// between turns.
parentPort?.on('message', (asked: Asked) => {
  setImmediate(() => void answer(asked))
})

async function answer({ number, ...job }: Asked): Promise<void> {
  const reply: DecodeReply = await decodeChunk(job).then(() => ({ number }), (thrown: unknown) => ({ number, failure: describeFailure(thrown) }))
  parentPort?.postMessage(reply)
  passedBytes += job.into.length
  if (passedBytes < collectAfterBytes) return
  passedBytes = 0
  collect({ type: 'minor' })
}
