import { DrayError } from '../../errors/dray-error.ts'
import { formatTime } from '../../ui/format.ts'
import { keptNames } from '../../workflows/kept.ts'
import { checkUndo, removeDrill, undoReplacement } from '../../workflows/undo.ts'
import { findRecord, type DrillRecord, type ReplacementRecord } from '../../workflows/run-records.ts'
import { requireYes } from '../ask.ts'
import { textOf } from '../backup-options.ts'
import type { Command, CommandContext, CommandResult } from '../command.ts'
import { lockRepository } from '../repository-lock.ts'
import { withRun } from '../run-command.ts'
import { readVersion } from '../version.ts'
import { openRepository } from '../../store/repository.ts'

export const undoCommand: Command = {
  usage: 'undo <run>',
  summary: 'Take a restore over something, or an upgrade, back; or remove the copy of a drill',
  examples: [
    ['dray undo 20261121-031244-5c0ffee5', 'what that run replaced comes back, with its data as it was'],
    ['dray undo 20261121-0312 --dry-run', 'by the beginning of its id: show what would be done'],
    ['dray undo 20261121-0312 -y', 'without a question'],
  ],
  options: yargs => yargs.positional('run', { type: 'string', demandOption: true, describe: 'id of the run, or the beginning of one' }),
  run: async (args, context) => {
    const record = await findRecord(context.journalFolder, textOf(args['run']) ?? '')
    if (record.kind === 'migration') throw new DrayError('usage', `run "${record.run}" was a migration`, { hints: [`dray migrate --undo ${record.run}`] })
    return record.kind === 'drill' ? await removeCopy(record, context) : await takeBack(record, context)
  },
}

async function removeCopy(record: DrillRecord, context: CommandContext): Promise<CommandResult> {
  const engine = await context.connect(record.engine.address, 'the record of the run')
  return await withRun(context, async run => {
    if (context.globals.dryRun) return { text: `would remove ${keptNames(record).map(name => `container "${name}"`).join(', ')} with volumes and networks of their own\nnothing was changed`, json: { undone: record.run } }
    await removeDrill({ run, engine, record })
    return { text: keptNames(record).join('\n'), json: { run: run.id, undone: record.run } }
  })
}

async function takeBack(record: ReplacementRecord, context: CommandContext): Promise<CommandResult> {
  const engine = await context.connect(record.engine.address, 'the record of the run')
  return await withRun(context, async run => {
    await checkUndo({ run, engine, record })
    const names = (list: readonly string[]): string => list.map(name => `"${name}"`).join(', ')
    const what = [
      ...(record.kept.length === 0 ? [] : [`container ${names(record.kept.map(({ was }) => was))} comes back as it was before ${formatTime(record.at)}`]),
      ...record.replaced.map(data => `${'volume' in data ? `volume "${data.volume}"` : `"${data.path}"`} gets its data back, from backup ${data.backup}`),
      `container ${names(record.containers.map(({ name }) => name))}, which the ${record.kind} made, is backed up and removed`,
    ]
    if (context.globals.dryRun) return { text: [...what, 'nothing was changed'].join('\n'), json: { undone: record.run, what } }
    await requireYes(context, `${what.join('; ')}?`)
    await using repository = await openRepository(record.repository, { create: false })
    await using lock = await lockRepository(context, repository, 'shared')
    const backups = await undoReplacement({ run, engine, repository, lock, record, version: readVersion() })
    context.reporter.note(`what was there until now is in backup ${backups.join(', ')}`)
    return { text: record.kept.map(({ was }) => was).join('\n'), json: { run: run.id, undone: record.run, backups } }
  })
}
