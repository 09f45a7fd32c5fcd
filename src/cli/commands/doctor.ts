import { DrayError, messageOf } from '../../errors/dray-error.ts'
import { exitCodes } from '../../errors/exit-codes.ts'
import { assertHeld } from '../../files/owner-lock.ts'
import { findingMeanings } from '../../integrity/finding.ts'
import { checkRepository as inspect, type RepositoryReport } from '../../integrity/check-repository.ts'
import { repairLayout, rebuildIndex, type RepairReport } from '../../store/repair.ts'
import { formatAge, formatCount } from '../../ui/format.ts'
import { listBackups } from '../../store/backup-list.ts'
import { describeForeign, describeTemporary, findTemporaries } from '../../workflows/clean-temporaries.ts'
import { listDeadRuns } from '../../workflows/clean.ts'
import { keptNames, listKept } from '../../workflows/kept.ts'
import { chooseGroups } from '../choose-groups.ts'
import type { Command, CommandContext } from '../command.ts'
import { requireLocal } from '../local-repository.ts'
import { lockRepository } from '../repository-lock.ts'
import { readWait, withWaitOption } from '../wait-option.ts'
import { hasConfig } from '../config/places.ts'

type Check = { readonly subject: string; readonly ok: boolean; readonly finding: string; readonly hints: readonly string[] }

export const doctorCommand: Command = {
  usage: 'doctor',
  summary: 'Check the engine, the repository and what earlier runs left; --repair rebuilds a lost index.json',
  examples: [
    ['dray doctor', 'check the default engine and repository'],
    ['dray doctor -H ssh://backup2 -r /srv/backups', 'check another engine and repository'],
    ['dray doctor --repair', 'rebuild index.json from the blobs'],
  ],
  options: yargs => withWaitOption(yargs).option('repair', { type: 'boolean', default: false, describe: 'rebuild what can be rebuilt from the blobs' }),
  run: async (args, context) => {
    if (args['repair'] === true && context.globals.dryRun) throw new DrayError('usage', '--repair cannot be tried with --dry-run', { hints: ['dray doctor shows what is wrong and changes nothing'] })
    const checks = args['repair'] === true ? [await repair(context, readWait(args))] : [await checkEngine(context), await checkRepository(context, readWait(args)), await checkJournals(context), ...(await checkKept(context)), ...(await checkJobs(context))]
    const failed = checks.some(({ ok }) => !ok)
    return {
      text: checks.flatMap(({ subject, ok, finding, hints }) => [`${ok ? 'ok  ' : 'BAD '} ${subject}: ${finding}`, ...hints.map(hint => `     hint: ${hint}`)]).join('\n'),
      json: { checks },
      exitCode: failed ? exitCodes.incomplete : 0,
    }
  },
}

async function checkEngine(context: CommandContext): Promise<Check> {
  return await check('engine', async () => {
    const { address, facts } = await context.connect()
    return `${address} is Docker ${facts.serverVersion} (API ${facts.apiVersion}, ${facts.store}, ${facts.driver}) on "${facts.name}"`
  })
}

/** Whether the list can be read and everything is there: nothing of the data is read. */
async function checkRepository(context: CommandContext, waitMs: number): Promise<Check> {
  let missing: RepositoryReport | undefined
  const found = await check('repository', async () => {
    await using repository = await context.openRepository({ create: false })
    const backups = formatCount((await listBackups(repository)).length, 'backup')
    await using lock = await lockRepository(context, repository, 'shared', waitMs)
    const report = await inspect({ repository, level: 'quick', share: 1, repairs: false, onTotal: ignore, onBytes: ignore, signal: context.signal })
    await assertHeld(lock, `the repository "${repository.path}"`)
    if (report.findings.some(({ severity }) => severity !== 'note')) missing = report
    return `${repository.path} lists ${backups}`
  })
  if (missing === undefined) return found
  const hurt = missing.backups.filter(({ whole }) => !whole).map(({ id }) => id)
  const what = missing.findings.filter(({ severity }) => severity !== 'note').slice(0, 3).map(({ code, member }) => `${findingMeanings[code].meaning}${member === undefined ? '' : ` (${member})`}`)
  const hints = [...new Set([...missing.findings.map(({ code }) => findingMeanings[code].remedy), 'dray verify reads everything, and names what is lost'])].slice(0, 4)
  return { ...found, ok: false, finding: `${found.finding}; ${what.join('; ')}${hurt.length === 0 ? '' : `; hurt: ${hurt.slice(0, 5).join(', ')}${hurt.length > 5 ? ` and ${hurt.length - 5} more` : ''}`}`, hints }
}

function ignore(): void {
  // The check is short, and its progress is not shown.
}

async function checkJournals(context: CommandContext): Promise<Check> {
  const temporaries = await context.connect().then(engine => findTemporaries(engine, context.signal), (thrown: unknown) => {
    if (thrown instanceof DrayError) return undefined // a finding by itself
    throw thrown
  })
  const left = [...(await listDeadRuns(context.journalFolder)).map(({ what }) => what), ...(temporaries?.dead ?? []).map(describeTemporary)]
  const foreign = (temporaries?.foreign ?? []).map(describeForeign)
  return { subject: 'earlier runs', ok: left.length === 0, finding: [left.length === 0 ? 'left nothing behind' : left.join('; '), ...foreign].join('; '), hints: left.length === 0 ? [] : ['put it right with: dray clean'] }
}

/** Whether each job of the configuration could run now, and what it would do. */
async function checkJobs(context: CommandContext): Promise<Check[]> {
  const { globals, env } = context
  if (!hasConfig(globals.config, env)) return []
  const { loadConfig } = await import('../config/read-config.ts')
  const { taskOfJob } = await import('../job-task.ts')
  const { sayWhen, parseWhen } = await import('../schedule/when.ts')
  const loaded = await loadConfig(globals.config, env)
  const checks: Check[] = []
  for (const name of Object.keys(loaded?.config.jobs ?? {})) {
    if (loaded === undefined) break
    checks.push(await check(`job ${name}`, async () => {
      const { hosts, choices, policy, before, after, repository } = taskOfJob(loaded, name)
      const at = loaded.config.jobs[name]?.at
      const when = at === undefined ? 'runs when it is called' : `runs ${sayWhen(parseWhen(at))}`
      const found: string[] = []
      const problems: DrayError[] = []
      for (const host of hosts) {
        const chosen = await context.connect(host).then(engine => chooseGroups(context, engine, choices)).catch((thrown: unknown) => {
          if (!(thrown instanceof DrayError)) throw thrown
          problems.push(thrown)
        })
        if (chosen === undefined) continue
        const { groups, failed } = chosen
        problems.push(...failed.map(({ error }) => error))
        found.push(`${formatCount(groups.flat().length, 'container')} in ${formatCount(groups.length, 'backup')} of ${host ?? 'the default engine'}${choices.images.length === 0 ? '' : `, and ${formatCount(choices.images.length, 'image')}`}`)
      }
      const [first] = problems
      if (first !== undefined) throw new DrayError(first.code, problems.map(({ message }) => message).join('; '), { hints: [...new Set(problems.flatMap(({ hints }) => hints))] })
      const hooks = before.length + after.length
      return [when, ...found, `into ${repository ?? context.globals.repo}`, ...(hooks === 0 ? [] : [`${formatCount(hooks, 'command')} on this machine`]), policy === undefined ? 'forgets nothing' : 'forgets by its rules'].join('; ')
    }))
  }
  return checks
}

/** Kept on purpose, which is well, and worth knowing. */
async function checkKept({ journalFolder }: CommandContext): Promise<Check[]> {
  const kept = await listKept(journalFolder)
  if (kept.length === 0) return []
  const now = Date.now()
  const finding = kept.map(record => `container ${keptNames(record).map(name => `"${name}"`).join(', ')} on ${record.engine.address}, ${record.kind === 'drill' ? 'of a drill' : `replaced by ${record.kind === 'restore' ? 'a restore' : 'an upgrade'}`} ${formatAge(now - Date.parse(record.at))} ago (run ${record.run})`).join('; ')
  return [{ subject: 'kept', ok: true, finding, hints: ['take one back with: dray undo RUN', 'remove what is not wanted any more: dray clean --kept'] }]
}

async function repair(context: CommandContext, waitMs: number): Promise<Check> {
  let isWhole = true
  const repaired = await check('repair', async () => {
    if (!context.globals.repo.startsWith('oci://')) await repairLayout(context.globals.repo)
    await using repository = await context.openRepository({ create: false })
    await using lock = await lockRepository(context, repository, 'exclusive', waitMs)
    const report = await rebuildIndex(requireLocal(repository, '--repair'), lock)
    isWhole = report.incomplete.length === 0
    return repairText(report)
  })
  return { ...repaired, ok: repaired.ok && isWhole }
}

function repairText({ indexWas, kept, corrected, added, incomplete, renamed }: RepairReport): string {
  return [
    `index.json was ${corrected.length > 0 ? 'wrong' : indexWas}: ${formatCount(kept.length, 'backup')} kept, ${formatCount(added.length, 'backup')} added`,
    ...corrected.map(({ id }) => `backup ${id}: what index.json said of it was wrong, and is taken from the backup`),
    ...renamed.map(({ id, was }) => `two backups had the id ${was}: the other one is ${id} now`),
    ...incomplete.map(({ id, digest, reason }) => `backup ${id === '' ? digest : id} is incomplete: ${reason}`),
  ].join('\n     ')
}

async function check(subject: string, look: () => Promise<string>): Promise<Check> {
  try {
    return { subject, ok: true, finding: await look(), hints: [] }
  } catch (error) {
    return { subject, ok: false, finding: messageOf(error), hints: error instanceof DrayError ? error.hints : [] }
  }
}
