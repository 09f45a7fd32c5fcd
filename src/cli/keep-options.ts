import type { Argv } from 'yargs'
import { DrayError } from '../errors/dray-error.ts'
import type { KeepPolicy } from '../store/keep-policy.ts'
import { periods } from '../store/time-bucket.ts'
import { listOf, textOf } from './backup-options.ts'
import { parseDuration } from './duration.ts'

export const policyExample = '--keep-daily 7 --keep-weekly 4 --keep-monthly 12'

const counts = ['last', ...periods] as const
const meanings = { last: 'keep the newest N', hourly: 'the newest of each of N hours', daily: 'the newest of each of N days', weekly: 'the newest of each of N weeks', monthly: 'the newest of each of N months', yearly: 'the newest of each of N years' }

export function withKeepOptions(yargs: Argv): Argv {
  return counts.reduce((each, count) => each.option(`keep-${count}`, { type: 'number', describe: meanings[count] }), yargs)
    .option('keep-within', { type: 'string', describe: 'all that are at most this much older than the newest: 30d, 12h, 1y6mo' })
    .option('keep-tag', { type: 'string', array: true, nargs: 1, default: [], describe: 'all with this mark, beside what other rules keep' })
}

/** Undefined when there is no rule. Throws `usage` for rules that nobody can mean. */
export function readKeepPolicy(args: Record<string, unknown>): KeepPolicy | undefined {
  const policy: { -readonly [Key in keyof KeepPolicy]: KeepPolicy[Key] } = {}
  for (const count of counts) {
    const value = args[`keep-${count}`]
    if (typeof value !== 'number') continue
    if (!Number.isSafeInteger(value) || value < 1) throw new DrayError('usage', `"${value}" of --keep-${count} is not a whole number above 0`, { hints: ['leave a rule out that is to keep nothing'] })
    policy[count] = value
  }
  const within = textOf(args['keepWithin'])
  if (within !== undefined) policy.withinMs = parseDuration(within, 'keep-within')
  const tags = listOf(args['keepTag'])
  if (Object.keys(policy).length > 0) return tags.length === 0 ? policy : { ...policy, tags }
  if (tags.length > 0) throw new DrayError('usage', '--keep-tag alone would forget all others', { hints: [`say which of the others stay: ${policyExample}`] })
  return undefined
}

/** IANA name of the zone in which days begin: that of this process. */
export function localTimeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone
}
