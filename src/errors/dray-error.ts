import { isNativeError } from 'node:util/types'
import { exitCodes, type ErrorCode } from './exit-codes.ts'

export type ErrorDetails = {
  /** Commands or steps the user can take next: lower case, no full stop. */
  readonly hints?: readonly string[]
  /** Several things that the message ends with, after a colon. A person is shown one on each line. */
  readonly list?: readonly string[]
  readonly cause?: unknown
  /** Tells cases of one code apart, for code that has to: nobody reads messages. */
  readonly reason?: string
}

/**
 * An expected failure: printed as `dray: error: …` and `dray: hint: …`, without a stack.
 * Anything else that is thrown is a bug. The message is lower case, without a full stop, and quotes its subject.
 */
export class DrayError extends Error {
  override readonly name = 'DrayError'
  readonly code: ErrorCode
  readonly hints: readonly string[]
  readonly list: readonly string[]
  readonly reason: string | undefined

  constructor(code: ErrorCode, message: string, { hints = [], list = [], cause, reason }: ErrorDetails = {}) {
    super(list.length === 0 ? message : `${message}: ${list.join('; ')}`, cause === undefined ? undefined : { cause })
    this.code = code
    this.hints = hints
    this.list = list
    this.reason = reason
  }

  get exitCode(): number {
    return exitCodes[this.code]
  }
}

/** The text of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return isNativeError(thrown) ? thrown.message : String(thrown)
}
