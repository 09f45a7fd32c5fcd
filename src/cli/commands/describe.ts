import type { ContainerRecord } from '../../engine/spec/spec-record.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { DescribedAs } from '../../workflows/describe.ts'
import { listOf } from '../backup-options.ts'
import type { Command, CommandContext } from '../command.ts'

export const describeCommand: Command = {
  usage: 'describe [what..]',
  summary: 'Print what makes a container again: docker run, a compose file, or its spec',
  examples: [
    ['dray describe web', 'the docker run line of a container, with the networks and volumes it needs'],
    ['dray describe --project shop --as compose', 'a whole project as a compose file'],
    ['dray describe latest web --as compose', 'a container as the newest backup holds it'],
    ['dray describe web --as json --redact', 'everything the engine says of it, without passwords'],
  ],
  options: yargs => yargs
    .positional('what', { type: 'string', array: true, describe: 'containers; or a backup (id, the beginning of one, "latest") and containers in it' })
    .option('as', { choices: ['run', 'compose', 'json'] as const, default: 'run', describe: 'docker commands, a compose file, or the spec' })
    .option('project', { type: 'string', array: true, nargs: 1, default: [], describe: 'all containers of a compose project' })
    .option('redact', { type: 'boolean', default: false, describe: 'leave out the values of what looks like a password; run and compose take them from your environment' }),
  run: async (args, context) => {
    const [what, projects] = [listOf(args['what']), listOf(args['project'])]
    if (what.length + projects.length === 0) throw new DrayError('usage', 'name a container or a backup', { hints: ['dray describe NAME', 'a container of a backup: dray describe latest NAME'] })
    const as = args['as'] as DescribedAs
    const redact = args['redact'] === true
    const records = await find(context, what, projects)
    const { describeRecords, namesOf } = await workflow()
    const { text, gaps, secrets } = describeRecords(records, as, redact)
    if (secrets.length > 0 && !redact) context.reporter.note(`it holds the values of ${secrets.join(', ')}: --redact leaves them out`)
    return { text: text.replace(/\n$/, ''), json: { as, containers: namesOf(records), text, notExpressible: gaps, secrets, redacted: redact, ...(as === 'json' ? { specs: JSON.parse(text) as unknown } : {}) } }
  },
}

/** In a function of its own: the compiler leaves the extension of an import beside `await using` as it is. */
async function workflow(): Promise<typeof import('../../workflows/describe.ts')> {
  return await import('../../workflows/describe.ts')
}

/** What is named like a backup, or is no container, is looked for in the repository. */
async function find(context: CommandContext, what: readonly string[], projects: readonly string[]): Promise<ContainerRecord[]> {
  const [first = '', ...others] = what
  const { recordLiving } = await workflow()
  const living = async (): Promise<ContainerRecord[]> => recordLiving(await context.connect(), what, projects, context.signal)
  if (projects.length > 0) return await living()
  if (first === 'latest') return await stored(context, first, others)
  if (/^\d{8}-\d{2,6}/.test(first)) return await unlessMissing(stored(context, first, others)) ?? await living()
  try {
    return await living()
  } catch (thrown) {
    if (!isMissing(thrown)) throw thrown
    const found = await unlessMissing(stored(context, first, others))
    if (found !== undefined) return found
    throw new DrayError('not-found', thrown.message, { hints: [...thrown.hints, `as a backup holds it: dray describe latest ${first}`], cause: thrown })
  }
}

async function stored(context: CommandContext, backup: string, containers: readonly string[]): Promise<ContainerRecord[]> {
  await using repository = await context.openRepository({ create: false })
  const { recordStored } = await workflow()
  return await recordStored(repository, backup, containers, text => context.reporter.warn(text))
}

async function unlessMissing<T>(finding: Promise<T>): Promise<T | undefined> {
  try {
    return await finding
  } catch (thrown) {
    if (isMissing(thrown)) return undefined
    throw thrown
  }
}

function isMissing(thrown: unknown): thrown is DrayError {
  return thrown instanceof DrayError && thrown.code === 'not-found'
}
