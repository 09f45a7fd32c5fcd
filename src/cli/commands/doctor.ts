import { DrayError, messageOf } from '../../errors/dray-error.ts'
import { exitCodes } from '../../errors/exit-codes.ts'
import { readDeadJournals } from '../../pipeline/read-journals.ts'
import { findingMeanings } from '../../integrity/finding.ts'
import { checkRepository as inspect, type RepositoryReport } from '../../integrity/check-repository.ts'
import { repairLayout, rebuildIndex, type RepairReport } from '../../store/repair.ts'
import { formatAge, formatCount } from '../../ui/format.ts'
import { listBackups } from '../../store/backup-list.ts'
import { keptNames, listKept } from '../../workflows/kept.ts'
import { describeEntry } from '../../workflows/put-right.ts'
import type { Command, CommandContext } from '../command.ts'

type Check = { readonly subject: string; readonly ok: boolean; readonly finding: string; readonly hints: readonly string[] }

export const doctorCommand: Command = {
  usage: 'doctor',
  summary: 'Check the engine, the repository and what earlier runs left; --repair rebuilds a lost index.json',
  examples: [
    ['dray doctor', 'check the default engine and repository'],
    ['dray doctor -H ssh://backup2 -r /srv/backups', 'check another engine and repository'],
    ['dray doctor --repair', 'rebuild index.json from the blobs'],
  ],
  options: yargs => yargs.option('repair', { type: 'boolean', default: false, describe: 'rebuild what can be rebuilt from the blobs' }),
  run: async (args, context) => {
    if (args['repair'] === true && context.globals.dryRun) throw new DrayError('usage', '--repair cannot be tried with --dry-run', { hints: ['dray doctor shows what is wrong and changes nothing'] })
    const checks = args['repair'] === true ? [await repair(context)] : [await checkEngine(context), await checkRepository(context), await checkJournals(context), ...(await checkKept(context))]
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
async function checkRepository(context: CommandContext): Promise<Check> {
  let missing: RepositoryReport | undefined
  const found = await check('repository', async () => {
    await using repository = await context.openRepository({ create: false })
    const backups = formatCount((await listBackups(repository)).length, 'backup')
    await using lock = await repository.lock('shared', { command: context.commandLine, signal: context.signal })
    const report = await inspect({ repository, level: 'quick', share: 1, repairs: false, onTotal: ignore, onBytes: ignore, signal: context.signal })
    if (!(await lock.isHeld())) throw new DrayError('locked', `the lock of the repository "${repository.path}" was taken away`, { hints: ['run the same command again'] })
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
  const left = (await readDeadJournals(context.journalFolder)).flatMap(journal => journal.open)
  return { subject: 'earlier runs', ok: left.length === 0, finding: left.length === 0 ? 'left nothing behind' : left.map(describeEntry).join('; '), hints: left.length === 0 ? [] : ['put it right with: dray clean'] }
}

/** Kept on purpose, which is well, and worth knowing. */
async function checkKept({ journalFolder }: CommandContext): Promise<Check[]> {
  const kept = await listKept(journalFolder)
  if (kept.length === 0) return []
  const now = Date.now()
  const finding = kept.map(record => `container ${keptNames(record).map(name => `"${name}"`).join(', ')} on ${record.engine.address}, ${record.kind === 'drill' ? 'of a drill' : `replaced by ${record.kind === 'restore' ? 'a restore' : 'an upgrade'}`} ${formatAge(now - Date.parse(record.at))} ago (run ${record.run})`).join('; ')
  return [{ subject: 'kept', ok: true, finding, hints: ['take one back with: dray undo RUN', 'remove what is not wanted any more: dray clean --kept'] }]
}

async function repair(context: CommandContext): Promise<Check> {
  let isWhole = true
  const repaired = await check('repair', async () => {
    await repairLayout(context.globals.repo)
    await using repository = await context.openRepository({ create: false })
    await using lock = await repository.lock('exclusive', { command: context.commandLine, signal: context.signal })
    const report = await rebuildIndex(repository, lock)
    isWhole = report.incomplete.length === 0
    return repairText(report)
  })
  return { ...repaired, ok: repaired.ok && isWhole }
}

function repairText({ indexWas, kept, added, incomplete }: RepairReport): string {
  return [
    `index.json was ${indexWas}: ${formatCount(kept.length, 'backup')} kept, ${formatCount(added.length, 'backup')} added`,
    ...incomplete.map(({ id, digest, listed, reason }) => `backup ${id === '' ? digest : id} is incomplete${listed ? '' : ' and not listed'}: ${reason}`),
  ].join('\n     ')
}

async function check(subject: string, look: () => Promise<string>): Promise<Check> {
  try {
    return { subject, ok: true, finding: await look(), hints: [] }
  } catch (error) {
    return { subject, ok: false, finding: messageOf(error), hints: error instanceof DrayError ? error.hints : [] }
  }
}
