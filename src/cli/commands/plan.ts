import { formatBytes, printable } from '../../ui/format.ts'
import { renderTable } from '../../ui/table.ts'
import { planBackup, type BackupPlan } from '../../workflows/plan-backup.ts'
import { readBackupOptions, type BackupChoices } from '../backup-options.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { exitCodes } from '../../errors/exit-codes.ts'
import { chooseGroups, isEmptySelection, withSelection } from '../choose-groups.ts'
import type { Command, CommandContext, CommandResult } from '../command.ts'
import { forEachGroup } from '../for-each-group.ts'
import { failedJson, withRun } from '../run-command.ts'

export const planCommand: Command = {
  usage: 'plan [container..]',
  summary: 'Show what a backup of containers would capture, and what not',
  examples: [
    ['dray plan web', 'mounts with their sizes, the image, how the container would rest'],
    ['dray plan --all', 'of every container, and which of them would be one backup'],
    ['dray plan web --json', 'for scripts'],
  ],
  options: yargs => withSelection(yargs)
    .option('consistency', { choices: ['pause', 'stop', 'none'] as const, describe: 'as for backup' })
    .option('exclude', { type: 'string', array: true, nargs: 1, default: [], describe: 'as for backup' })
    .option('include', { type: 'string', array: true, nargs: 1, default: [], describe: 'as for backup' })
    .option('reader', { choices: ['auto', 'host', 'helper', 'api'] as const, default: 'auto', describe: 'as for backup' }),
  run: async (args, context) => await planText(readBackupOptions(args), context),
}

/** Also what `backup --dry-run` says. */
export async function planText(choices: BackupChoices, context: CommandContext): Promise<CommandResult> {
  if (isEmptySelection(choices.selection)) throw new DrayError('usage', 'what would be captured is shown of containers: name one', { hints: ['docker ps shows the containers; --all takes all of them'] })
  const engine = await context.connect()
  return await withRun(context, async run => {
    const plans: BackupPlan[] = []
    const failed = await forEachGroup(context, await chooseGroups(context, engine, choices), {
      isNot: 'looked at',
      work: async ({ containers }) => {
        plans.push(...(await planBackup({ run, engine, repositoryPath: context.globals.repo, options: { ...choices, containers: containers.map(({ Id }) => Id) } })))
      },
    })
    return { text: plans.map(plan => describePlan(plan, context.width)).join('\n\n'), json: { plans, failed: failedJson(failed) }, exitCode: failed.length > 0 ? exitCodes.incomplete : 0 }
  }, { changesNothing: true })
}

function describePlan(plan: BackupPlan, width: number): string {
  const { container, together, state, image, writableLayer, mounts, leftOut, missing, rest, hooks, networks, otherWriters } = plan
  const rows = mounts.map(({ label, kind, destinations, reader, entries, dataBytes }) => ({ mount: destinations.map(({ path }) => path).join(', '), source: label, kind, reader, entries: entries?.toLocaleString('en-US') ?? '?', size: dataBytes === undefined ? '?' : formatBytes(dataBytes) }))
  return [
    `container ${container} (${state})`,
    ...(together.length === 0 ? [] : [`together  with ${together.join(', ')}: at rest at one time, and one backup`]),
    `image     ${image}`,
    `changes   ${writableLayer}`,
    `networks  ${networks.join(', ') || 'none'}`,
    `at rest   ${rest}`,
    ...hooks.map(hook => printable(`command   ${hook}`)),
    ...otherWriters.map(text => `warning   ${text}`),
    ...mounts.flatMap(({ label, nested }) => nested.map(path => `warning   not captured: "${printable(path)}" is mounted inside ${label}`)),
    '',
    rows.length === 0 ? 'no mounts to capture' : renderTable([{ title: 'MOUNT', value: ({ mount }) => mount, shrink: true }, { title: 'SOURCE', value: ({ source }) => source, shrink: true }, { title: 'KIND', value: ({ kind }) => kind }, { title: 'ENTRIES', value: ({ entries }) => entries, align: 'right' }, { title: 'SIZE', value: ({ size }) => size, align: 'right' }, { title: 'READER', value: ({ reader }) => reader }], rows, width),
    ...[...leftOut, ...missing].map(({ destination, source, reason, canBeAsked }) => printable(`not captured: ${source} at ${destination}: ${reason}${canBeAsked ? ` (capture it with --include ${destination})` : ''}`)),
  ].join('\n')
}
