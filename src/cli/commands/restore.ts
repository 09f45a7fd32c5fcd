import { DrayError } from '../../errors/dray-error.ts'
import { exitCodes } from '../../errors/exit-codes.ts'
import { quoteForShell } from '../../engine/shell-quote.ts'
import { restoreJson, restorePlanText, restoreText } from '../../ui/describe-restore.ts'
import { aftermathLines } from '../../ui/wizard/aftermath.ts'
import { planRestore, restoreContainers, type RestoreReport } from '../../workflows/restore.ts'
import { textOf } from '../backup-options.ts'
import type { Command, CommandContext, CommandResult } from '../command.ts'
import { requireLocal } from '../local-repository.ts'
import { lockRepository } from '../repository-lock.ts'
import { readRestoreWish, type RestoreWish } from '../restore-wish.ts'
import { restorePart } from '../restore-part.ts'
import { sayReport, withRun } from '../run-command.ts'
import { readVersion } from '../version.ts'
import type { ExtractArgs } from '../wizard/choose-files.ts'
import { globalWords } from '../wizard/restore-line.ts'

export const restoreCommand: Command = {
  usage: 'restore [backup] [container..]',
  summary: 'Restore containers whole: image, networks, volumes and bind mounts with their data, spec, state',
  examples: [
    ['dray restore', 'asks what, from when, where to, and what to do about what is in the way'],
    ['dray restore latest web', 'the newest backup of "web", to the default engine'],
    ['dray restore 20261121-0312 --to ssh://root@new', 'a backup by the beginning of its id, to another host'],
    ['dray restore 20261121-0312', 'all containers of that backup, a project for example'],
    ['dray restore --all --to ssh://root@new', 'everything that the last run backed up'],
    ['dray restore latest web --name web2 --map-port 80:8080 --map-volume data:data2', 'beside the one that runs'],
    ['dray restore latest web --replace', 'in place of what is there, which is kept until dray undo or dray clean --kept'],
    ['dray restore latest web --dry-run', 'show what would be done'],
    ['dray restore latest web --plan-out web.yaml', 'write what would be done into a file, to be edited'],
    ['dray restore --plan web.yaml', 'do what that file says'],
    ['dray restore latest web --only data --replace', 'the data alone, in place of what is there; no container is touched'],
    ['dray restore latest db --replay-dump', 'its label dray.restore reads the dump that the backup holds'],
    ['dray restore latest web --skip-damaged', 'what is left of a damaged backup'],
  ],
  options: yargs => yargs
    .positional('backup', { type: 'string', describe: 'id, the beginning of one, or "latest"' })
    .positional('container', { type: 'string', array: true, describe: 'of several containers in the backup these; for "latest": the newest of each' })
    .option('all', { type: 'boolean', default: false, describe: 'all backups of the last run, or of the run that is named' })
    .option('to', { type: 'string', describe: 'engine to restore to (default: --host, else as docker does it)' })
    .option('name', { type: 'string', describe: 'name of the restored container' })
    .option('replace', { type: 'boolean', default: false, describe: 'replace the container, volumes and bind content that are there; they are backed up first' })
    .option('keep', { type: 'string', array: true, nargs: 1, default: [], describe: 'leave a volume or bind path as it is on the target' })
    .option('skip-damaged', { type: 'boolean', default: false, describe: 'restore what is left of a damaged backup, and list what is missing' })
    .option('replay-dump', { type: 'boolean', default: false, describe: 'when it is healthy, run its label dray.restore with the dump of dray.dump' })
    .option('no-start', { type: 'boolean', default: false, describe: 'create it, do not start it' })
    .option('map-port', { type: 'string', array: true, nargs: 1, default: [], describe: 'publish another port: 80:8080, or none: 80:none' })
    .option('map-volume', { type: 'string', array: true, nargs: 1, default: [], describe: 'restore into another volume: data:data2' })
    .option('map-bind', { type: 'string', array: true, nargs: 1, default: [], describe: 'use another path of the host: /srv/a:/srv/b' })
    .option('map-network', { type: 'string', array: true, nargs: 1, default: [], describe: 'use another network: front:front2' })
    .option('only', { choices: ['spec', 'image', 'data'] as const, describe: 'a part alone: the container over the image and data that are there; its image; the data of its volumes and paths' })
    .option('plan-out', { type: 'string', describe: 'write what would be done into a file that can be edited ("-" for stdout), and change nothing' })
    .option('plan', { type: 'string', describe: 'do what such a file says' })
    .option('make-path', { type: 'string', array: true, nargs: 1, default: [], describe: 'make a path of the host that is missing, and not in the backup, an empty folder' })
    .option('reader', { choices: ['auto', 'host', 'helper', 'api'] as const, default: 'auto', describe: 'how mounts are written' })
    .option('health-timeout', { type: 'number', describe: 'seconds to wait for health (default: what the health check itself would take)' }),
  run: async (args, context) => {
    if (textOf(args['backup']) !== undefined || args['all'] === true || args['plan'] !== undefined) return await restoreOrPlan(args, context)
    requireTerminal(context)
    const { runRestoreWizard } = await import('../restore-wizard.ts')
    return await runRestoreWizard(args, context, async outcome => {
      if ('isDeclined' in outcome) return { text: 'nothing was changed', json: {} }
      if ('extracts' in outcome) return await runExtracts(outcome.extracts, outcome.context)
      const { line, planOut = args['planOut'] } = outcome
      return await restoreOrPlan({ ...args, ...line, planOut }, outcome.context, { explain: true })
    })
  },
}

/** What they say together, and the worst of their exit codes. */
async function runExtracts(extracts: readonly ExtractArgs[], context: CommandContext): Promise<CommandResult> {
  const { extractCommand } = await import('./extract.ts')
  const results: CommandResult[] = []
  for (const args of extracts) results.push(await extractCommand.run(args, context))
  return { text: results.map(({ text }) => text).join('\n'), json: {}, exitCode: Math.max(...results.map(({ exitCode = 0 }) => exitCode)) }
}

/** For the wizard, which asks for everything that is not given. */
function requireTerminal({ globals, env }: CommandContext): void {
  if (process.stdin.isTTY && process.stderr.isTTY && env['TERM'] !== 'dumb' && !globals.json && !globals.yes) return
  throw new DrayError('usage', 'name a backup', { hints: ['dray list shows the backups', 'the newest of a container: dray restore latest NAME', 'all of the last run: dray restore --all', 'what a plan says: dray restore --plan FILE', 'on a terminal, without --json and --yes, dray restore asks for everything'] })
}

async function restoreOrPlan(args: Record<string, unknown>, context: CommandContext, how: { readonly explain?: boolean } = {}): Promise<CommandResult> {
  const wish = await readRestoreWish(args, context.globals)
  const file = textOf(args['planOut'])
  if (file === undefined) return await restore(wish, context, how)
  const { writePlanFile } = await import('../plan-file/write-plan-file.ts')
  return await writePlanFile(wish, file, context)
}

/** `explain`: say afterwards what to check and how to take it back. */
async function restore({ wanted, options, to, repository: path }: RestoreWish, context: CommandContext, { explain = false }: { readonly explain?: boolean }): Promise<CommandResult> {
  const engine = await context.connect(to.host, to.from)
  return await withRun(context, async run => {
    await using repository = await context.openRepository({ create: false, ...(path === undefined ? {} : { path }) })
    if (options.replace) requireLocal(repository, '--replace, which backs up what it replaces,')
    await using lock = await lockRepository(context, repository, 'shared')
    if (options.only === 'data' || options.only === 'image') return await restorePart({ run, engine, repository, lock, wanted, options, version: readVersion() }, context)
    const job = { run, engine, repository, lock, wanted, options, version: readVersion() }
    if (context.globals.dryRun) {
      const plans = await planRestore(job)
      return { text: [...plans.map(({ stored, plan }) => restorePlanText(stored, plan, engine.address, options.replayDump === true)), 'nothing was changed'].join('\n'), json: { plans: plans.map(({ stored, plan }) => ({ backup: stored.backup.id, name: plan.name, mounts: plan.mounts.map(({ stored: { described }, place, action, because }) => ({ source: described.source, place, action, because })), networks: plan.networks.map(({ Name }) => Name), notes: plan.notes })) } }
    }
    const reports = await restoreContainers(job)
    for (const report of reports) sayReport(context, restoreText(report))
    if (explain) sayReport(context, aftermathLines(reports, { docker: dockerWords(engine.address), dray: globalWords(context.globals).map(quoteForShell).join(' ') }))
    const json = { run: run.id, target: engine.address, restored: reports.map(restoreJson) }
    return { text: reports.map(({ plan }) => plan.name).join('\n'), json, exitCode: reports.some(isIncomplete) ? exitCodes.incomplete : 0 }
  })
}

/** Exit 3: something that is damaged was left out, the spec differs, announced or not, or data could not be written as it was. */
function isIncomplete({ stored, plan, images, comparison, written }: RestoreReport): boolean {
  if (stored.lost.length > 0 || images.lost.length > 0 || written.some(({ lost }) => lost.length > 0)) return true
  return comparison.differences.length > 0 || plan.request.losses.length > 0 || written.some(({ problems, losses }) => problems.length > 0 || losses.length > 0)
}

/** The docker command for the same engine. */
function dockerWords(address: string): string {
  return address === 'unix:///var/run/docker.sock' ? 'docker' : `docker -H ${quoteForShell(address)}`
}
