import type { Argv } from 'yargs'
import { DrayError } from '../errors/dray-error.ts'

/** One waits for its disk or its engine while another is compressed. */
export const defaultParallel = 2

export function withParallelOption(yargs: Argv): Argv {
  return yargs.option('parallel', { type: 'number', describe: `how many groups of containers are worked on at one time (default: ${defaultParallel})` })
}

/** Undefined unless told. Throws `usage` for what is not a whole number above 0. */
export function readParallel({ parallel }: Record<string, unknown>): number | undefined {
  if (typeof parallel !== 'number') return undefined
  if (!Number.isSafeInteger(parallel) || parallel < 1) throw new DrayError('usage', `"${parallel}" of --parallel is not a whole number above 0`, { hints: [`--parallel ${defaultParallel} is what it is without`] })
  return parallel
}
