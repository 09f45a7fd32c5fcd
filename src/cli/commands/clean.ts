import { exitCodes } from '../../errors/exit-codes.ts'
import { printable } from '../../ui/format.ts'
import { cleanDeadRuns, forgetRun, listDeadRuns, type LeftOver } from '../../workflows/clean.ts'
import { restoreData } from '../../workflows/steps/restore-data.ts'
import { cleanKept, keptNames, listKept } from '../../workflows/kept.ts'
import { requireYes } from '../ask.ts'
import type { Command, CommandContext, CommandResult } from '../command.ts'
import { withRun } from '../run-command.ts'

export const cleanCommand: Command = {
  usage: 'clean',
  summary: 'Put right what killed runs left: frozen containers, half-made things',
  examples: [
    ['dray clean', 'put everything right that can be'],
    ['dray clean --dry-run', 'only list it'],
    ['dray clean --kept', 'remove the containers that an upgrade has replaced'],
    ['dray clean --forget RUN', 'drop what that run noted, for example of an engine that is gone for good'],
  ],
  options: yargs => yargs
    .option('kept', { type: 'boolean', default: false, describe: 'remove what is kept of replaced containers and of drills; backups stay' })
    .option('forget', { type: 'string', describe: 'forget a run\'s notes and touch nothing that they name' }),
  run: async (args, context) => {
    const folder = context.journalFolder
    const forget = args['forget']
    if (args['kept'] === true) return await removeKept(context)
    if (typeof forget === 'string') {
      if (context.globals.dryRun) return listed((await listDeadRuns(folder)).filter(({ run }) => run === forget), 'would forget')
      const forgotten = await forgetRun(folder, forget)
      return { text: forgotten.map(what => `forgotten: ${printable(what)}`).join('\n'), json: { forgotten } }
    }
    if (context.globals.dryRun) return listed(await listDeadRuns(folder), 'would put right')
    const { settled, left } = await cleanDeadRuns({ folder, connect: address => context.connect(address, 'the notes of an earlier run'), restoreData: restoreData({ id: 'clean' }, { isLater: true }), signal: context.signal, command: context.commandLine })
    const lines = [
      ...settled,
      ...left.map(({ run, what, problem }) => `left: ${what}: ${problem} (run ${run})`),
      ...(settled.length + left.length === 0 ? ['nothing is left of earlier runs'] : []),
    ]
    return { text: lines.map(printable).join('\n'), json: { settled, left }, exitCode: left.length === 0 ? 0 : exitCodes.incomplete }
  },
}

/** After this nothing takes those runs back but a restore of the backups that they made. */
async function removeKept(context: CommandContext): Promise<CommandResult> {
  const records = await listKept(context.journalFolder)
  const names = records.flatMap(keptNames)
  if (names.length === 0) return { text: 'nothing is kept', json: { removed: [], left: [] } }
  if (context.globals.dryRun) return { text: names.map(name => `would remove: container "${name}"`).join('\n'), json: { removed: names, left: [] } }
  await requireYes(context, `remove ${names.map(name => `"${name}"`).join(', ')} for good?`)
  return await withRun(context, async run => {
    const { removed, left } = await cleanKept(run, records, address => context.connect(address, 'the record of the run'))
    const lines = [...removed.map(name => `removed: container "${name}"`), ...left.map(({ name, problem }) => `left: container "${name}": ${problem}`)]
    return { text: lines.map(printable).join('\n'), json: { removed, left }, exitCode: left.length === 0 ? 0 : exitCodes.incomplete }
  })
}

function listed(found: readonly LeftOver[], verb: string): CommandResult {
  const lines = found.length === 0 ? ['nothing is left of earlier runs'] : found.map(({ run, what, problem }) => printable(`${verb}: ${what} (${problem}, run ${run})`))
  return { text: lines.join('\n'), json: { left: found } }
}
