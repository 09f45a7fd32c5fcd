import type { Argv } from 'yargs'
import { textOf } from './backup-options.ts'
import { parseDuration } from './duration.ts'
import { defaultWaitMs } from './repository-lock.ts'

export function withWaitOption(yargs: Argv): Argv {
  return yargs.option('wait', { type: 'string', describe: 'how long to wait for others who use the repository (default: 10min)' })
}

export function readWait(args: Record<string, unknown>): number {
  const wait = textOf(args['wait'])
  return wait === undefined ? defaultWaitMs : parseDuration(wait, 'wait')
}
