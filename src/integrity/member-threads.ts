import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { toError } from '../store/chunk-reply.ts'
import { noteGarbage } from '../archive/young-garbage.ts'
import { Slots } from '../store/slots.ts'
import type { PassedFile } from './member.ts'
import { smallBytes } from './read-member.ts'
import { performMemberJob, type MemberJob } from './member-job.ts'
import type { MemberReply } from './member-thread.ts'

/** As long as less than this was read a thread would not pay: it takes as long to start as these bytes. */
const bytesWithout = 16 * 1024 * 1024
/** Each takes some 20 MB: with more, what is made for it would take more than the 150 MB that are promised. */
const mostThreads = 2

/**
 * Reads files side by side, each by one thread, in the order in which they are asked for. The threads start with the first jobs that
 * are worth it.
 */
export class MemberThreads implements AsyncDisposable {
  readonly #slots = new Slots(Math.min(mostThreads, availableParallelism()))
  /** What this thread reads itself, it reads one by one. */
  readonly #own = new Slots(1)
  readonly #idle: Worker[] = []
  readonly #all = new Set<Worker>()
  readonly #signal: AbortSignal
  #passedBytes = 0

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  /** `mostBytes`: a hint of what will be asked for in all. */
  expect(mostBytes: number): void {
    this.#passedBytes = Math.max(this.#passedBytes, mostBytes)
  }

  /** Not worth to be handed to another thread. */
  static isSmall({ size }: { readonly size: number }): boolean {
    return size < smallBytes
  }

  async perform(job: MemberJob): Promise<PassedFile> {
    this.#signal.throwIfAborted()
    this.#passedBytes += job.size
    if (MemberThreads.isSmall(job) || this.#passedBytes < bytesWithout) return await this.#own.run(() => performMemberJob(job))
    return await this.#slots.run(() => this.#ask(job))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#all].map(worker => worker.terminate()))
  }

  async #ask(job: MemberJob): Promise<PassedFile> {
    this.#signal.throwIfAborted()
    const worker = this.#idle.pop() ?? this.#start()
    const member = await this.#answerOf(worker, job)
    this.#idle.push(worker)
    return withBuffers(member)
  }

  #answerOf(worker: Worker, job: MemberJob): Promise<PassedFile> {
    return new Promise((resolve, reject) => {
      const settle = (done: () => void): void => {
        worker.off('message', take).off('error', fail).off('exit', end)
        this.#signal.removeEventListener('abort', abort)
        done()
      }
      const fail = (error: Error): void => {
        void worker.terminate()
        settle(() => reject(error))
      }
      const take = (reply: MemberReply): void => ('member' in reply ? settle(() => resolve(reply.member)) : fail(toError(reply.failure)))
      const end = (code: number): void => fail(new Error(`a thread that reads files ended with code ${code}`))
      const abort = (): void => fail(this.#signal.reason as Error)
      this.#signal.addEventListener('abort', abort)
      worker.on('message', take).on('error', fail).on('exit', end)
      worker.postMessage(job)
    })
  }

  #start(): Worker {
    // the files that it reads are not its own
    const worker = new Worker(new URL('./member-thread.js', import.meta.url), { trackUnmanagedFds: false, resourceLimits: { maxYoungGenerationSizeMb: 4 } })
    this.#all.add(worker)
    return worker
  }
}

/** A Buffer comes from another thread as plain bytes. */
function withBuffers(member: PassedFile): PassedFile {
  const { content } = member
  if (content.kind !== 'document') return member
  noteGarbage(2 * member.size)
  const { buffer, byteOffset, byteLength } = content.bytes
  return { ...member, content: { ...content, bytes: Buffer.from(buffer, byteOffset, byteLength) } }
}
