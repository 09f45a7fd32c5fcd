/** What a configuration file may say. docs/configuration.md is checked against this. */
import { z } from 'zod'
import { DrayError } from '../../errors/dray-error.ts'
import { parseDuration } from '../duration.ts'
import { defaultParallel } from '../parallel-option.ts'
import { parseWhen } from '../schedule/when.ts'
import { periods } from '../../store/time-bucket.ts'

/** One text, or a list of them. */
const texts = z.union([z.string().min(1), z.array(z.string().min(1))], 'expected a text, or a list of texts').transform(value => (typeof value === 'string' ? [value] : value)).default([])

function checkWith(parse: () => unknown, context: z.core.$RefinementCtx): void {
  try {
    parse()
  } catch (thrown) {
    if (!(thrown instanceof DrayError)) throw thrown
    context.addIssue({ code: 'custom', message: [thrown.message, ...thrown.hints].join('; ') })
  }
}

const duration = z.string('expected a duration such as 90s, 10min, 12h').transform((text, context) => {
  try {
    return parseDuration(text, 'duration')
  } catch (thrown) {
    context.addIssue({ code: 'custom', message: (thrown as Error).message.replace(' of --duration', '') })
    return z.NEVER
  }
})

const count = z.int('expected a whole number above 0').min(1, 'expected a whole number above 0')

const keep = z.strictObject({
  last: count.optional(),
  ...(Object.fromEntries(periods.map(period => [period, count.optional()])) as Record<(typeof periods)[number], z.ZodOptional<typeof count>>),
  within: duration.optional(),
  tags: texts,
}).refine(rules => Object.entries(rules).some(([name, value]) => name !== 'tags' && value !== undefined), 'needs at least one of last, hourly, daily, weekly, monthly, yearly, within')

const url = z.url({ protocol: /^https?$/, error: 'expected an address that begins with https:// or http://' })

const notify = z.strictObject({
  ping: url.optional(),
  webhook: url.optional(),
  command: z.string().min(1).optional(),
  metrics: z.string().min(1).optional(),
  on: z.enum(['always', 'failure'], 'expected "always" or "failure"').default('always'),
})

const job = z.strictObject({
  hosts: texts,
  repository: z.string().min(1).optional(),
  containers: texts,
  all: z.boolean('expected true or false').default(false),
  projects: texts,
  labels: texts,
  except: texts,
  images: texts,
  include: texts,
  exclude: texts,
  consistency: z.enum(['pause', 'stop', 'none'], 'expected "pause", "stop" or "none"').optional(),
  reader: z.enum(['auto', 'host', 'helper', 'api'], 'expected "auto", "host", "helper" or "api"').default('auto'),
  tags: texts,
  keep: keep.optional(),
  before: texts,
  after: texts,
  'hook-timeout': duration.default(600_000),
  parallel: count.default(defaultParallel),
  at: z.string().superRefine((text, context) => checkWith(() => parseWhen(text), context)).optional(),
  'random-delay': duration.optional(),
  notify: notify.optional(),
}).refine(({ containers, all, projects, labels, images }) => all || [containers, projects, labels, images].some(list => list.length > 0), 'chooses nothing: say "all: true", or name containers, projects, labels or images')

const jobName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, 'the name of a job is of letters, digits, "_", "." and "-"')

export const configSchema = z.strictObject({
  repository: z.string().min(1).optional(),
  notify: notify.optional(),
  jobs: z.record(jobName, job).default({}),
})

export type Config = z.output<typeof configSchema>
export type Job = z.output<typeof job>
export type Notify = z.output<typeof notify>

/** Keys that an object of the schema knows, by the path to it: for did-you-mean. */
export function knownKeys(path: readonly PropertyKey[]): string[] {
  if (path.length === 0) return Object.keys(configSchema.shape)
  const last = path.at(-1)
  if (last === 'notify') return Object.keys(notify.shape)
  if (last === 'keep') return Object.keys(keep.shape)
  return path.length === 2 && path[0] === 'jobs' ? Object.keys(job.shape) : []
}
