/** The program of a thread of chunk-threads.ts. */
import { parentPort } from 'node:worker_threads'
import { performChunkJob, type ChunkJob } from './chunk-jobs.ts'
import { describeFailure, type ChunkReply } from './chunk-reply.ts'
import { collectYoung } from '../archive/young-garbage.ts'

type Asked = { readonly number: number; readonly job: ChunkJob }

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
}

function freeOnce(bytes: number): void {
  new Uint8Array(bytes).fill(0, 0, 1)
  collectYoung()
}
