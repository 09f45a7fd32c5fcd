import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { decodeChunk, type DecodeJob } from './decode-chunk.ts'
import { toError, type DecodeReply } from './decoding-reply.ts'

/** As long as less than this has passed a thread would not pay: it takes as long to start as these bytes. */
const bytesWithout = 16 * 1024 * 1024
const mostThreads = 4

type Waiting = { readonly resolve: () => void; readonly reject: (error: Error) => void }
type Thread = { readonly worker: Worker; readonly waiting: Map<number, Waiting> }

/**
 * Threads that read, decompress and verify chunks, so that the main one has nothing to do but to pass them on. They start with
 * the first jobs that are worth it, and do not keep the process alive.
 */
class DecodingThreads {
  readonly #threads: Thread[] = []
  #passedBytes = 0
  #number = 0

  /** See decodeChunk(). The memory of `into` is shared, and nobody uses it until this settles. */
  async decode(job: DecodeJob): Promise<void> {
    this.#passedBytes += job.into.length
    await (this.#passedBytes < bytesWithout ? decodeChunk(job) : this.#askThread(job))
  }

  #askThread(job: DecodeJob): Promise<void> {
    const { worker, waiting } = this.#idlest()
    const number = this.#number++
    return new Promise((resolve, reject) => {
      worker.ref()
      waiting.set(number, { resolve, reject })
      worker.postMessage({ number, ...job })
    })
  }

  #idlest(): Thread {
    const [first, ...others] = this.#threads
    if (first === undefined) return this.#start()
    const idlest = others.reduce((least, each) => (each.waiting.size < least.waiting.size ? each : least), first)
    return idlest.waiting.size > 0 && this.#threads.length < Math.min(mostThreads, Math.max(1, availableParallelism() - 1)) ? this.#start() : idlest
  }

  #start(): Thread {
    const worker = new Worker(new URL('./decoding-thread.js', import.meta.url))
    const waiting = new Map<number, Waiting>()
    const thread = { worker, waiting }
    worker.on('message', ({ number, failure }: DecodeReply) => {
      const asked = waiting.get(number)
      waiting.delete(number)
      if (waiting.size === 0) worker.unref()
      if (failure === undefined) asked?.resolve()
      else asked?.reject(toError(failure))
    })
    const fail = (error: Error): void => {
      if (this.#threads.includes(thread)) this.#threads.splice(this.#threads.indexOf(thread), 1)
      for (const { reject } of waiting.values()) reject(error)
      waiting.clear()
    }
    worker.on('error', fail)
    worker.on('exit', code => fail(new Error(`a thread that decodes chunks ended with code ${code}`)))
    worker.unref()
    this.#threads.push(thread)
    return thread
  }
}

export const decodingThreads = new DecodingThreads()
