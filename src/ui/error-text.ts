import { isNativeError } from 'node:util/types'
import { DrayError, messageOf } from '../errors/dray-error.ts'
import { exitCodes } from '../errors/exit-codes.ts'
import { PipelineError } from '../pipeline/pipeline.ts'
import { printable } from './format.ts'

const bugHint = 'dray: hint: this is a bug in dray: please report it with the lines above'

/** `dray: error: …`, `dray: hint: …`, and for a failed pipeline what is left behind. A bug comes with its stack. */
export function errorText(thrown: unknown): string {
  if (!(thrown instanceof DrayError)) return `dray: error: unexpected: ${stackOf(thrown)}\n${bugHint}`
  const left = thrown instanceof PipelineError ? thrown.leftBehind : []
  const bug = thrown instanceof PipelineError && !(thrown.cause instanceof DrayError) ? [stackOf(thrown.cause), bugHint] : []
  return [
    ...messageLines(thrown),
    ...bug,
    ...thrown.hints.map(hint => `dray: hint: ${printable(hint)}`),
    ...left.map(({ what, problem }) => `dray: left behind: ${printable(what)}: ${printable(problem)}`),
    ...(left.length > 0 ? ['dray: hint: remove what is left with: dray clean'] : []),
  ].join('\n')
}

/** A list that ends the message stands below it, one thing on each line. */
function messageLines(thrown: DrayError): string[] {
  const list = listOf(thrown)
  const end = list.join('; ')
  if (list.length < 2 || !thrown.message.endsWith(end)) return [`dray: error: ${printable(thrown.message)}`]
  return [`dray: error: ${printable(thrown.message.slice(0, -end.length).trimEnd())}`, ...list.map(each => `dray:   ${printable(each)}`)]
}

function listOf({ list, cause }: DrayError): readonly string[] {
  return list.length > 0 || !(cause instanceof DrayError) ? list : listOf(cause)
}

function stackOf(thrown: unknown): string {
  return isNativeError(thrown) ? (thrown.stack ?? thrown.message) : String(thrown)
}

/** The same facts for `--json`. */
export function errorJson(thrown: unknown): object {
  if (!(thrown instanceof DrayError)) return { code: 'unexpected', exitCode: exitCodes.unexpected, message: messageOf(thrown) }
  const cause = thrown.cause instanceof DrayError ? { cause: errorJson(thrown.cause) } : {}
  const state = thrown instanceof PipelineError ? { step: thrown.step, undone: thrown.undone, leftBehind: thrown.leftBehind } : {}
  return { code: thrown.code, exitCode: thrown.exitCode, message: thrown.message, hints: thrown.hints, ...state, ...cause }
}
