/** The program of a thread of member-threads.ts. */
import { parentPort } from 'node:worker_threads'
import { describeFailure, type ChunkFailure } from '../store/chunk-reply.ts'
import type { PassedFile } from './member.ts'
import { performMemberJob, type MemberJob } from './member-job.ts'

/** A buffer of so many bytes has its memory for itself, which can be handed over. */
const largeBytes = 64 * 1024

export type MemberReply = { readonly member: PassedFile } | { readonly failure: ChunkFailure }

parentPort?.on('message', (job: MemberJob) => void answer(job))

async function answer(job: MemberJob): Promise<void> {
  const reply: MemberReply = await performMemberJob(job).then(member => ({ member }), (thrown: unknown) => ({ failure: describeFailure(thrown) }))
  const content = 'member' in reply ? reply.member.content : undefined
  const isLarge = content?.kind === 'document' && content.bytes.length > largeBytes
  parentPort?.postMessage(reply, isLarge ? [content.bytes.buffer as ArrayBuffer] : [])
}
