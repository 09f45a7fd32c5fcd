/** The program of a thread of chunk-threads.ts. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { parentPort } from 'node:worker_threads'
import { performChunkJob, type ChunkJob } from './chunk-jobs.ts'
import { describeFailure, type ChunkReply } from './chunk-reply.ts'

type Asked = { readonly number: number; readonly job: ChunkJob }

/**
 * What is compressed or decompressed lies outside of the heap, where V8 lets much of it gather before it collects. A
 * collection of the young objects takes less than a millisecond here.
 */
const collectAfterBytes = 16 * 1024 * 1024

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void
let passedBytes = 0

/**
 * glibc gives the memory of each buffer back to the kernel when it is freed, and gets it again with a page fault for every
 * 4 KiB, until a buffer as large has been freed once (mallopt(3), M_MMAP_THRESHOLD, which moves up to 32 MiB).
 */
freeOnce(31 * 1024 * 1024)

// One in each turn of the event loop: messages alone would be taken as long as there are any, and what was collected is freed
// between turns.
parentPort?.on('message', (asked: Asked) => {
  setImmediate(() => void answer(asked))
})

async function answer({ number, job }: Asked): Promise<void> {
  const reply: ChunkReply = await performChunkJob(job).then(result => ({ number, result }), (thrown: unknown) => ({ number, failure: describeFailure(thrown) }))
  parentPort?.postMessage(reply)
  passedBytes += (job.kind === 'encode' ? job.plain : job.into).length
  if (passedBytes < collectAfterBytes) return
  passedBytes = 0
  collect({ type: 'minor' })
}

function freeOnce(bytes: number): void {
  new Uint8Array(bytes).fill(0, 0, 1)
  collect({ type: 'minor' })
}
