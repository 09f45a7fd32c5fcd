import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { BlobProblem } from './check-blob.ts'
import { performChunkJob, type CheckJob, type ChunkJob, type ChunkResult, type CompressJob, type DecodeJob, type EncodedChunk, type EncodeJob } from './chunk-jobs.ts'
import { toError, type ChunkReply } from './chunk-reply.ts'

/** As long as less than this has passed a thread would not pay: it takes as long to start as these bytes. */
const bytesWithout = 16 * 1024 * 1024
const mostThreads = 4
/** Of small ones, such as tables of contents have, many are done before a further thread has started. */
const bytesForAnother = 512 * 1024
/** Reading is soon as fast as the disk, and each thread takes some 15 MB. */
const mostChecking = 3
/** While a thread has so many jobs it does not wait for more: the main one, which would wait for it, works as well. */
const enoughWaiting = 4

type Waiting = { readonly resolve: (result: ChunkResult) => void; readonly reject: (error: Error) => void }
type Thread = { readonly worker: Worker; readonly waiting: Map<number, Waiting> }

/** Asked once: the system looks into files for it each time. */
let processors: number | undefined

function mostThreadsBeside(busyOnes: number): number {
  processors ??= availableParallelism()
  return Math.min(mostThreads, Math.max(1, processors - busyOnes))
}

/**
 * Threads that compress and write chunks, and read, decompress and verify them: the main one cuts and recognises them. They start with
 * the first jobs that are worth it, and do not keep the process alive.
 */
class ChunkThreads {
  readonly #threads: Thread[] = []
  #passedBytes = 0
  #number = 0
  #isHelping = false

  /** A hint of how many bytes will pass: when it is worth it, no memory is taken by this thread for the first ones. */
  expect(bytes: number): void {
    this.#passedBytes = Math.max(this.#passedBytes, bytes)
  }

  /** See EncodeJob. Nobody changes `plain`, whose memory is shared, until this settles. */
  async encode(job: Omit<EncodeJob, 'kind'>): Promise<EncodedChunk> {
    const encoded = await this.#perform({ kind: 'encode', ...job }, job.plain.length)
    if (encoded === undefined || 'problem' in encoded || 'byteLength' in encoded) throw new Error('a chunk was not encoded')
    return encoded
  }

  /** The bytes as they are stored. Nobody changes `plain`, whose memory is shared, until this settles. */
  async compress(job: Omit<CompressJob, 'kind'>): Promise<Buffer> {
    const made = await this.#perform({ kind: 'compress', ...job }, job.plain.length)
    if (made === undefined || !('byteLength' in made)) throw new Error('a chunk was not compressed')
    return Buffer.from(made.buffer, made.byteOffset, made.byteLength)
  }

  /** See DecodeJob. Nobody uses `into`, whose memory is shared, until this settles. One thread does it all where that has to be frugal. */
  async decode(job: Omit<DecodeJob, 'kind'>): Promise<void> {
    await this.#perform({ kind: 'decode', ...job }, job.into.length, job.frugal === true ? 1 : mostThreads)
  }

  /** See CheckJob. */
  async check(job: Omit<CheckJob, 'kind'>): Promise<BlobProblem | undefined> {
    const found = await this.#perform({ kind: 'check', ...job }, job.size, mostChecking)
    return found !== undefined && 'problem' in found ? found : undefined
  }

  async #perform(job: ChunkJob, bytes: number, threads = mostThreads): Promise<ChunkResult> {
    this.#passedBytes += bytes
    if (this.#passedBytes < bytesWithout) return await performChunkJob(job)
    return await (job.kind === 'encode' && !this.#isHelping && this.#areBusy() ? this.#help(job) : this.#askThread(job, bytes < bytesForAnother ? 1 : threads))
  }

  #areBusy(): boolean {
    return this.#threads.length >= mostThreadsBeside(1) && this.#threads.every(({ waiting }) => waiting.size >= enoughWaiting)
  }

  /** One job at a time, each after a turn of the event loop: signals and connections are heard in between. */
  async #help(job: ChunkJob): Promise<ChunkResult> {
    this.#isHelping = true
    try {
      await new Promise(resolve => setImmediate(resolve))
      return await performChunkJob(job)
    } finally {
      this.#isHelping = false
    }
  }

  /** Who cuts and hashes what is stored keeps a processor busy; who reads only waits. */
  #askThread(job: ChunkJob, threads: number): Promise<ChunkResult> {
    const { worker, waiting } = this.#idlest(Math.min(threads, mostThreadsBeside(job.kind === 'encode' || job.kind === 'compress' ? 1 : 0)))
    const number = this.#number++
    return new Promise((resolve, reject) => {
      worker.ref()
      waiting.set(number, { resolve, reject })
      worker.postMessage({ number, job })
    })
  }

  /** Starts another as long as there are fewer than `most`. */
  #idlest(most: number): Thread {
    const [first, ...others] = this.#threads
    if (first === undefined) return this.#start()
    const idlest = others.reduce((least, each) => (each.waiting.size < least.waiting.size ? each : least), first)
    return idlest.waiting.size > 0 && this.#threads.length < most ? this.#start() : idlest
  }

  #start(): Thread {
    // The files that it opens are handed over: they are not closed with it.
    const worker = new Worker(new URL('./chunk-thread.js', import.meta.url), { trackUnmanagedFds: false, resourceLimits: { maxYoungGenerationSizeMb: 4 } })
    const waiting = new Map<number, Waiting>()
    const thread = { worker, waiting }
    worker.on('message', ({ number, result, failure }: ChunkReply) => {
      const asked = waiting.get(number)
      waiting.delete(number)
      if (waiting.size === 0) worker.unref()
      if (failure === undefined) asked?.resolve(result)
      else asked?.reject(toError(failure))
    })
    const fail = (error: Error): void => {
      if (this.#threads.includes(thread)) this.#threads.splice(this.#threads.indexOf(thread), 1)
      for (const { reject } of waiting.values()) reject(error)
      waiting.clear()
    }
    worker.on('error', fail)
    worker.on('exit', code => fail(new Error(`a thread for chunks ended with code ${code}`)))
    worker.unref()
    this.#threads.push(thread)
    return thread
  }
}

export const chunkThreads = new ChunkThreads()
