import type { ErrorCode } from '../errors/exit-codes.ts'

/** Why an engine cannot be reached, in words and with the next steps; the address is added where it is known. */
export class Unreachable extends Error {
  readonly errorCode: ErrorCode
  readonly hints: readonly string[]

  constructor(errorCode: ErrorCode, reason: string, hints: readonly string[] = [], cause?: unknown) {
    super(reason, { cause })
    this.errorCode = errorCode
    this.hints = hints
  }
}
