import { isNativeError } from 'node:util/types'
import { exitCodes, type ErrorCode } from './exit-codes.ts'

export type ErrorDetails = {
  /** Commands or steps the user can take next: lower case, no full stop. */
  readonly hints?: readonly string[]
  readonly cause?: unknown
}

/**
 * An expected failure: printed as `dray: error: …` and `dray: hint: …`, without a stack.
 * Anything else that is thrown is a bug. The message is lower case, without a full stop, and quotes its subject.
 */
export class DrayError extends Error {
  override readonly name = 'DrayError'
  readonly code: ErrorCode
  readonly hints: readonly string[]

  constructor(code: ErrorCode, message: string, { hints = [], cause }: ErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.hints = hints
  }

  get exitCode(): number {
    return exitCodes[this.code]
  }
}

/** The text of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return isNativeError(thrown) ? thrown.message : String(thrown)
}
