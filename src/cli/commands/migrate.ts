import { DrayError } from '../../errors/dray-error.ts'
import { exitCodes } from '../../errors/exit-codes.ts'
import { migrationJson, migrationPlanText, migrationText, undoneText } from '../../ui/describe-migration.ts'
import { migrateContainers, planMigration, type MigrateReport } from '../../workflows/migrate.ts'
import { requireCommitted } from '../../workflows/require-committed.ts'
import { readRecord } from '../../workflows/run-records.ts'
import { newData, planUndo, undoMigration, type UndoJob } from '../../workflows/undo-migration.ts'
import { requireYes } from '../ask.ts'
import { listOf, textOf } from '../backup-options.ts'
import { compressWays, connectForTransfer } from '../choose-link.ts'
import type { Command, CommandContext, CommandResult } from '../command.ts'
import { chooseRoute } from '../image-route.ts'
import { readMigrateOptions } from '../migrate-options.ts'
import { sayReport, withRun } from '../run-command.ts'

export const migrateCommand: Command = {
  usage: 'migrate [what..]',
  summary: 'Move containers to another host, whole, with seconds of downtime and a way back',
  examples: [
    ['dray migrate web ssh://root@old ssh://root@new', 'the container "web" from one host to another'],
    ['dray migrate web default ssh://root@new --dry-run', 'from this host: show what would be done'],
    ['dray migrate --project shop ssh://root@old ssh://root@new', 'all containers of a compose project together'],
    ["dray migrate web ssh://root@old ssh://root@new --map-port 80:8080 --wait-for 'wget -qO- localhost'", 'another port, and up when the command says so'],
    ['dray migrate --undo 20261121-031244-5c0ffee5', 'the source runs again, the copy is removed'],
  ],
  options: yargs => yargs
    .positional('what', { type: 'string', array: true, describe: 'CONTAINER… SOURCE TARGET: names or ids of containers, the engine they are on, the engine they go to' })
    .option('project', { type: 'string', array: true, nargs: 1, default: [], describe: 'all containers of a compose project' })
    .option('consistency', { choices: ['stop', 'pause', 'none'] as const, default: 'stop', describe: 'how the source rests while what has changed is sent' })
    .option('via', { type: 'string', default: 'stream', describe: 'how images go: stream, registry=REF, or file=PATH' })
    .option('remove-source', { type: 'boolean', default: false, describe: 'remove the source and its volumes after comparing all data' })
    .option('no-precopy', { type: 'boolean', default: false, describe: 'send all data while the source rests' })
    .option('wait-for', { type: 'string', describe: 'a shell command in the container: it is up when that succeeds' })
    .option('health-timeout', { type: 'number', describe: 'seconds to wait for health (default: what the health check itself would take)' })
    .option('compress', { choices: compressWays, default: 'auto', describe: 'compress ssh connections: if they are slow, always (also: --compress alone), or none' })
    .option('reader', { choices: ['auto', 'host', 'helper', 'api'] as const, default: 'auto', describe: 'how mounts are read and written' })
    .option('name', { type: 'string', describe: 'name of the container on the target' })
    .option('keep', { type: 'string', array: true, nargs: 1, default: [], describe: 'leave a volume or bind path as it is on the target' })
    .option('map-port', { type: 'string', array: true, nargs: 1, default: [], describe: 'publish another port: 80:8080, or none: 80:none' })
    .option('map-volume', { type: 'string', array: true, nargs: 1, default: [], describe: 'use another volume: data:data2' })
    .option('map-bind', { type: 'string', array: true, nargs: 1, default: [], describe: 'use another path of the host: /srv/a:/srv/b' })
    .option('map-network', { type: 'string', array: true, nargs: 1, default: [], describe: 'use another network: front:front2' })
    .option('undo', { type: 'string', describe: 'take a finished migration back: the id of its run' })
    .option('discard-new-data', { type: 'boolean', default: false, describe: 'with --undo: give up what was written on the target since' }),
  run: async (args, context) => {
    const undo = textOf(args['undo'])
    if (context.globals.host !== undefined) throw new DrayError('usage', 'migrate takes its two engines as arguments, not by --host', { hints: ['dray migrate CONTAINER… SOURCE TARGET'] })
    if (undo === undefined && args['discardNewData'] === true) throw new DrayError('usage', '--discard-new-data belongs to --undo', { hints: ['dray migrate --undo RUN --discard-new-data'] })
    if (undo === undefined) return await migrate(args, context)
    if (listOf(args['what']).length > 0) throw new DrayError('usage', '--undo takes the id of a run and nothing else', { hints: ['dray migrate --undo RUN'] })
    return await takeBack(undo, args['discardNewData'] === true, context)
  },
}

async function migrate(args: Record<string, unknown>, context: CommandContext): Promise<CommandResult> {
  const { source: from, target: to, via, compress, options } = readMigrateOptions(args)
  const { source, target } = await connectForTransfer(context, from, to, compress)
  return await withRun(context, async run => {
    const job = { run, source, target, options: { ...options, route: chooseRoute(via, context.env) } }
    if (context.globals.dryRun) {
      const checked = await planMigration(job)
      return { text: migrationPlanText(checked, job), json: { moves: checked.moves.map(({ plan }) => ({ name: plan.name, networks: plan.networks.map(({ Name }) => Name), mounts: plan.mounts.map(({ stored: { described }, place, action, because }) => ({ source: described.source, place, action, because, ...checked.sizes.get(described.source) })), losses: plan.request.losses, notes: plan.notes })), imageBytes: checked.imageBytes } }
    }
    const report = await migrateContainers(job)
    sayReport(context, migrationText(report, target.address))
    const json = { run: run.id, source: source.address, target: target.address, ...migrationJson(report), ...(report.sourceRemoved ? {} : { undo: `dray migrate --undo ${run.id}` }) }
    return { text: report.moves.map(({ plan }) => plan.name).join('\n'), json, exitCode: isIncomplete(report) ? exitCodes.incomplete : 0 }
  })
}

/** Exit 3: a difference in a spec, announced or not, or data that could not be moved as it was. */
function isIncomplete({ moves, mounts, comparisons }: MigrateReport): boolean {
  return mounts.some(({ report }) => report.problems.length > 0 || report.losses.length > 0) || moves.some(({ plan, missing }) => plan.request.losses.length > 0 || missing.length > 0) || [...comparisons.values()].some(({ differences }) => differences.length > 0)
}

async function takeBack(wanted: string, discardsNewData: boolean, context: CommandContext): Promise<CommandResult> {
  const { reporter, journalFolder, globals } = context
  const record = await readRecord(journalFolder, wanted)
  const names = record.containers.map(({ name }) => `"${name}"`).join(', ')
  const source = await context.connect(record.source.address)
  const target = await context.connect(record.target.address).catch((thrown: unknown) => {
    if (!(thrown instanceof DrayError) || thrown.code !== 'engine-unreachable') throw thrown
    if (!discardsNewData) throw new DrayError(thrown.code, thrown.message, { hints: [...thrown.hints, `to start the source all the same: dray migrate --undo ${record.run} --discard-new-data; what is left on the target is removed by dray clean when it answers again`], cause: thrown })
    reporter.warn(`"${record.target.address}" does not answer: the copy there may still run, and is left to dray clean`)
    return undefined
  })
  return await withRun(context, async run => {
    const job: UndoJob = { run, record, source, target, discardsNewData }
    await requireCommitted(journalFolder, record.run)
    const { changes } = await planUndo(job)
    if (changes.length > 0 && !discardsNewData) throw newData(record, changes)
    for (const text of changes) reporter.note(`written since the migration: ${text}`)
    const what = `start ${names} on ${record.source.address} again and remove the copy on ${record.target.address}${changes.length > 0 ? ', with what was written there since' : ''}`
    if (globals.dryRun) return { text: `would ${what}\nnothing was changed`, json: { changes } }
    await requireYes(context, `${what}?`)
    await undoMigration(job)
    sayReport(context, undoneText(record, target !== undefined))
    return { text: record.containers.map(({ name }) => name).join('\n'), json: { run: run.id, undone: record.run, changes } }
  })
}

