import { DrayError } from '../../errors/dray-error.ts'
import { listBackups } from '../../store/backup-list.ts'
import type { GarbageCounts } from '../../store/garbage.ts'
import { isLocal, type Repository } from '../../store/repository.ts'
import { askYes } from '../../ui/ask.ts'
import { judgedJson, judgedSummary, judgedTable, namedTable, pruneText } from '../../ui/describe-retention.ts'
import { formatCount } from '../../ui/format.ts'
import { chooseNamed, forgetBackups, judgeBackups, type JudgedBackup, type NamedJob, type PolicyJob } from '../../workflows/forget.ts'
import { findFreeable, freeSpace } from '../../workflows/free-space.ts'
import type { GroupedBackup } from '../../workflows/retention-groups.ts'
import { listOf } from '../backup-options.ts'
import type { Command, CommandContext, CommandResult } from '../command.ts'
import { localTimeZone, policyExample, readKeepPolicy, withKeepOptions } from '../keep-options.ts'
import { registryFreesSpace } from '../local-repository.ts'
import { lockRepository, whileLocked } from '../repository-lock.ts'
import { warnOfDamaged, warnOfPruned } from '../retention-warnings.ts'
import { sayReport } from '../run-command.ts'
import { readWait, withWaitOption } from '../wait-option.ts'
import { readGrace } from './prune.ts'

export const forgetCommand: Command = {
  usage: 'forget [backup..]',
  summary: 'Take backups off the list: by rules for what stays, or by their ids',
  examples: [
    [`dray forget ${policyExample} --dry-run`, 'show what would stay, why, and what would go'],
    [`dray forget ${policyExample} --prune`, 'for each container of each host; and free the space'],
    ['dray forget --keep-last 10 --container web --container db', 'for two containers alone'],
    ['dray forget --keep-within 30d --keep-tag release', 'the last 30 days, and what is marked "release"'],
    ['dray forget 20261121-0312', 'exactly this one'],
  ],
  isSilentWhenWell: true,
  options: yargs => withWaitOption(withKeepOptions(yargs
    .positional('backup', { type: 'string', array: true, describe: 'ids of backups, or the beginnings of ids' })
    .option('container', { type: 'string', array: true, nargs: 1, default: [], describe: 'only backups of this container' })))
    .option('even-last', { type: 'boolean', default: false, describe: 'with ids: also the last complete backup of a container, and what undo needs' })
    .option('prune', { type: 'boolean', default: false, describe: 'free the space as well, as dray prune does' })
    .option('grace', { type: 'string', describe: 'with --prune: leave what is younger (default: 48h)' }),
  run: async (args, context) => {
    const wanted = listOf(args['backup'])
    const containers = listOf(args['container'])
    const policy = readKeepPolicy(args)
    const options = { prune: args['prune'] === true, graceMs: readGrace(args), waitMs: readWait(args) }
    if (wanted.length > 0 && (policy !== undefined || containers.length > 0)) throw new DrayError('usage', 'name backups, or give rules, not both', { hints: ['dray forget --help'] })
    if (args['evenLast'] === true && wanted.length === 0) throw new DrayError('usage', '--even-last is for backups that are named by their ids', { hints: ['dray forget BACKUP --even-last'] })
    if (args['grace'] !== undefined && !options.prune) throw new DrayError('usage', '--grace needs --prune', { hints: ['dray forget … --prune --grace 1h'] })
    if (wanted.includes('latest')) throw await latestIsNoId(context)
    await using repository = await openForForget(context, wanted.length === 0 && policy === undefined)
    if (policy !== undefined) return await forgetByPolicy(context, repository, { policy, containers, ...options })
    return await forgetNamed(context, repository, { wanted, evenLast: args['evenLast'] === true, journalFolder: context.journalFolder, ...options })
  },
}

type Options = { readonly prune: boolean; readonly graceMs: number; readonly waitMs: number }

/** What it means is another backup tomorrow. */
async function latestIsNoId(context: CommandContext): Promise<DrayError> {
  await using repository = await context.openRepository({ create: false })
  const newest = (await listBackups(repository)).at(-1)
  const named = newest === undefined ? [] : [`the newest one: dray forget ${newest.id}`]
  return new DrayError('usage', '"latest" may be another backup by the time it is forgotten: name it by its id', { hints: [...named, 'dray list shows the ids'] })
}

async function openForForget(context: CommandContext, nothingSaid: boolean): Promise<Repository> {
  if (nothingSaid) throw new DrayError('usage', 'say which backups stay, or name those that go', { hints: [`dray forget ${policyExample} --dry-run`, 'dray forget 20261121-031200-1a2b3c', 'dray list shows the backups'] })
  return await context.openRepository({ create: false })
}

async function forgetByPolicy(context: CommandContext, repository: Repository, { policy, containers, ...options }: Options & Pick<PolicyJob, 'policy'> & { readonly containers: readonly string[] }): Promise<CommandResult> {
  const timeZone = localTimeZone()
  const job: PolicyJob = { policy, timeZone, ...(containers.length === 0 ? {} : { isAsked: ({ kind, name }) => kind === 'container' && containers.includes(name) }) }
  const judgeAll = async (): Promise<JudgedBackup[]> => {
    const judged = await judgeBackups(repository, job)
    const unknown = containers.find(name => !judged.some(({ subjects }) => subjects.some(({ kind, name: other }) => kind === 'container' && other === name)))
    if (unknown !== undefined) throw new DrayError('not-found', `there is no backup of container "${unknown}" in "${repository.path}"`, { hints: ['dray list shows the backups'] })
    return judged
  }
  let judged: readonly JudgedBackup[] = []
  const result = await change(context, repository, options, async () => (judged = await judgeAll()).filter(({ because }) => because.length === 0))
  const { dryRun } = context.globals
  const damaged = warnOfDamaged(judged, context)
  sayReport(context, [...judgedSummary(judged, !dryRun), `days, weeks, months and years are those of ${timeZone}`])
  return {
    text: dryRun ? (judged.length === 0 ? `no backups in ${repository.path}` : judgedTable(judged, context.width)) : result.forgotten.join('\n'),
    json: { repository: repository.path, policy, timeZone, backups: judgedJson(judged), ...result.json },
    exitCode: Math.max(damaged, result.exitCode),
  }
}

async function forgetNamed(context: CommandContext, repository: Repository, { wanted, evenLast, journalFolder, ...options }: Options & NamedJob): Promise<CommandResult> {
  const { globals, signal, width } = context
  const choose = (): Promise<GroupedBackup[]> => chooseNamed(repository, { wanted, evenLast, journalFolder })
  const named = await choose()
  if (!globals.dryRun && !globals.yes) {
    const table = namedTable(named, width)
    if (!process.stdin.isTTY || !process.stderr.isTTY) throw new DrayError('usage', `nothing was forgotten: there is no terminal to ask whether ${named.map(({ backup }) => `"${backup.id}"`).join(', ')} may go`, { hints: ['say so with --yes', 'dray forget ID --dry-run shows what would go'] })
    process.stderr.write(`${table}\n`)
    if (!(await askYes(`forget ${formatCount(named.length, 'backup')} for ever?`, signal))) throw new DrayError('interrupted', 'nothing was forgotten')
  }
  const result = await change(context, repository, options, choose)
  return { text: globals.dryRun ? `would forget:\n${namedTable(named, width)}` : result.forgotten.join('\n'), json: { repository: repository.path, ...result.json }, exitCode: result.exitCode }
}

type Changed = { readonly forgotten: readonly string[]; readonly json: object; readonly exitCode: number }

/** Forgets what is chosen under the lock, or only looks, and prunes if asked to. */
async function change(context: CommandContext, repository: Repository, { prune, graceMs, waitMs }: Options, choose: () => Promise<readonly GroupedBackup[]>): Promise<Changed> {
  const { reporter, signal, globals } = context
  const job = isLocal(repository) ? { repository, reporter, signal, graceMs } : undefined
  if (globals.dryRun) {
    return await whileLocked(await lockRepository(context, repository, 'shared', waitMs), async () => {
      const chosen = await choose()
      const pruned = prune && job !== undefined ? await findFreeable(job, new Set(chosen.map(({ backup }) => backup.descriptor.digest))) : undefined
      return changed(context, graceMs, { wouldForget: chosen.map(({ backup }) => backup.id), ...(pruned === undefined ? {} : { pruned }) })
    })
  }
  return await whileLocked(await lockRepository(context, repository, 'exclusive', waitMs), async lock => {
    const forgotten = await forgetBackups(repository, await choose(), lock)
    const pruned = prune && job !== undefined ? await freeSpace(job, lock) : undefined
    if (job === undefined && forgotten.length > 0) reporter.note(registryFreesSpace)
    else if (pruned === undefined && forgotten.length > 0) reporter.note('their space is freed by: dray prune')
    return changed(context, graceMs, { forgotten, ...(pruned === undefined ? {} : { pruned }) })
  })
}

function changed(context: CommandContext, graceMs: number, json: { readonly forgotten?: readonly string[]; readonly wouldForget?: readonly string[]; readonly pruned?: GarbageCounts }): Changed {
  const { forgotten = [], pruned } = json
  if (pruned !== undefined) sayReport(context, pruneText(pruned, graceMs, json.wouldForget === undefined))
  return { forgotten, json, exitCode: pruned === undefined ? 0 : warnOfPruned(pruned, context) }
}
