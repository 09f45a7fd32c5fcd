import { DrayError, messageOf } from '../errors/dray-error.ts'
import type { ErrorCode } from '../errors/exit-codes.ts'
import { errnoOf } from '../errors/system-error.ts'
import type { ChunkResult } from './chunk-jobs.ts'

/** An error as it passes from one thread to another: an Error would lose its code. */
export type ChunkFailure = { readonly message: string; readonly code?: ErrorCode; readonly hints?: readonly string[]; readonly errno?: string }

export type ChunkReply = { readonly number: number; readonly result?: ChunkResult; readonly failure?: ChunkFailure }

export function describeFailure(thrown: unknown): ChunkFailure {
  const errno = errnoOf(thrown instanceof DrayError ? thrown.cause : thrown)
  const known = thrown instanceof DrayError ? { code: thrown.code, hints: thrown.hints } : {}
  return { message: messageOf(thrown), ...known, ...(errno === undefined ? {} : { errno }) }
}

/** A DrayError, or an error of the system with its `code`, as it was thrown. */
export function toError({ message, code, hints, errno }: ChunkFailure): Error {
  const error = Object.assign(new Error(message), errno === undefined ? {} : { code: errno })
  return code === undefined ? error : new DrayError(code, message, { ...(hints === undefined ? {} : { hints }), ...(errno === undefined ? {} : { cause: error }) })
}
