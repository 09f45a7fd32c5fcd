import { DrayError, messageOf } from '../errors/dray-error.ts'
import type { ErrorCode } from '../errors/exit-codes.ts'
import { errnoOf } from '../errors/system-error.ts'

/** An error as it passes from one thread to another: an Error would lose its code. */
export type DecodeFailure = { readonly message: string; readonly code?: ErrorCode; readonly errno?: string }

export type DecodeReply = { readonly number: number; readonly failure?: DecodeFailure }

export function describeFailure(thrown: unknown): DecodeFailure {
  if (thrown instanceof DrayError) return { message: thrown.message, code: thrown.code }
  const errno = errnoOf(thrown)
  return { message: messageOf(thrown), ...(errno === undefined ? {} : { errno }) }
}

/** A DrayError, or an error of the system with its `code`, as it was thrown. */
export function toError({ message, code, errno }: DecodeFailure): Error {
  if (code !== undefined) return new DrayError(code, message)
  return Object.assign(new Error(message), errno === undefined ? {} : { code: errno })
}
