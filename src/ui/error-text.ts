import { DrayError } from '../errors/dray-error.ts'
import { exitCodes } from '../errors/exit-codes.ts'
import { PipelineError } from '../pipeline/pipeline.ts'
import { printable } from './format.ts'

/** `dray: error: …`, `dray: hint: …`, and for a failed pipeline what was undone and what is left behind. */
export function errorText(thrown: unknown): string {
  if (!(thrown instanceof DrayError)) {
    const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
    return `dray: error: unexpected: ${text}\ndray: hint: this is a bug in dray: please report it with the lines above`
  }
  const left = thrown instanceof PipelineError ? thrown.leftBehind : []
  return [
    `dray: error: ${printable(thrown.message)}`,
    ...thrown.hints.map(hint => `dray: hint: ${printable(hint)}`),
    ...left.map(({ what, problem }) => `dray: left behind: ${printable(what)}: ${printable(problem)}`),
    ...(left.length > 0 ? ['dray: hint: remove what is left with: dray clean'] : []),
  ].join('\n')
}

/** The same facts for `--json`. */
export function errorJson(thrown: unknown): object {
  if (!(thrown instanceof DrayError)) return { code: 'unexpected', exitCode: exitCodes.unexpected, message: thrown instanceof Error ? thrown.message : String(thrown) }
  const cause = thrown.cause instanceof DrayError ? { cause: errorJson(thrown.cause) } : {}
  const state = thrown instanceof PipelineError ? { step: thrown.step, undone: thrown.undone, leftBehind: thrown.leftBehind } : {}
  return { code: thrown.code, exitCode: thrown.exitCode, message: thrown.message, hints: thrown.hints, ...state, ...cause }
}
