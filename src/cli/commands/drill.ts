import { exitCodes } from '../../errors/exit-codes.ts'
import { assertHeld } from '../../files/owner-lock.ts'
import { noteCheck } from '../../store/check-log.ts'
import { drillJson, drillPlanText, drillText } from '../../ui/describe-drill.ts'
import { drillBackup, planDrill, type DrillJob } from '../../workflows/drill.ts'
import { listOf, textOf } from '../backup-options.ts'
import type { Command } from '../command.ts'
import { lockRepository } from '../repository-lock.ts'
import { sayReport, withRun } from '../run-command.ts'

const usualSettleSeconds = 5
const usualExecSeconds = 300

export const drillCommand: Command = {
  usage: 'drill <backup> [container..]',
  summary: 'Boot a backup in an isolated copy, and remove it again: does last night\'s backup work?',
  examples: [
    ['dray drill latest web', 'the newest backup of "web": it has to become healthy, or to stay up'],
    ["dray drill latest db --exec 'psql -U postgres -c \"select count(*) from orders\"'", 'and a command in it has to succeed'],
    ['dray drill 20261121-0312 --exec \'wget -qO- http://web/\' --in proxy', 'all containers of a group, which find each other by their names'],
    ['dray drill 20261121-0312 web --keep', 'leave the copy there to look around; dray undo RUN removes it'],
    ['dray drill latest web -q || mail -s "backup does not boot" root </dev/null', 'from cron: exit code 22 when it does not boot'],
  ],
  options: yargs => yargs
    .positional('backup', { type: 'string', demandOption: true, describe: 'id, the beginning of one, or "latest"' })
    .positional('container', { type: 'string', array: true, describe: 'containers of the backup (default: all of them)' })
    .option('exec', { type: 'string', describe: 'a shell command to run in the copy once it is healthy' })
    .option('in', { type: 'string', describe: 'the container that --exec runs in, where there are several' })
    .option('exec-timeout', { type: 'number', default: usualExecSeconds, describe: 'seconds that it may take' })
    .option('settle', { type: 'number', default: usualSettleSeconds, describe: 'seconds to stay up, without a health check' })
    .option('health-timeout', { type: 'number', describe: 'seconds to wait for health (default: what the health check itself would take)' })
    .option('keep', { type: 'boolean', default: false, describe: 'leave the copy there, also when it fails' })
    .option('reader', { choices: ['auto', 'host', 'helper', 'api'] as const, default: 'auto', describe: 'how volumes are written' }),
  run: async (args, context) => {
    const engine = await context.connect()
    const health = args['healthTimeout']
    const [exec, execIn] = [textOf(args['exec']), textOf(args['in'])]
    return await withRun(context, async run => {
      await using repository = await context.openRepository({ create: false })
      await using lock = await lockRepository(context, repository, 'shared')
      const options: DrillJob['options'] = {
        reader: args['reader'] as DrillJob['options']['reader'],
        keep: args['keep'] === true,
        settledMs: secondsOf(args['settle'], usualSettleSeconds) * 1000,
        execSeconds: secondsOf(args['execTimeout'], usualExecSeconds),
        ...(exec === undefined ? {} : { exec }),
        ...(execIn === undefined ? {} : { execIn }),
        ...(typeof health === 'number' && health > 0 ? { healthSeconds: health } : {}),
      }
      const job: DrillJob = { run, engine, repository, backup: textOf(args['backup']) ?? '', containers: listOf(args['container']), options }
      if (context.globals.dryRun) {
        const copies = (await planDrill(job)).map(({ original, copy }) => ({ stored: original, copy }))
        return { text: drillPlanText(copies, engine.address), json: { backup: copies[0]?.stored.backup.id, containers: copies.map(({ copy }) => ({ copy: copy.name, networks: [...copy.networks.keys()], notes: copy.notes })) } }
      }
      const report = await drillBackup(job).catch((thrown: unknown) => {
        if (options.keep) context.reporter.note(`what is left of the copy: dray undo ${run.id}`)
        throw thrown
      })
      await assertHeld(lock, `the repository "${repository.path}"`)
      for (const backup of new Set(report.copies.map(({ stored }) => stored.backup.id))) await noteCheck(repository, { at: new Date().toISOString(), did: 'drilled', backup })
      sayReport(context, drillText(report))
      const names = report.copies.map(({ copy }) => copy.name)
      if (options.keep) context.reporter.note(`${names.length === 1 ? 'the copy is container' : 'the copies are containers'} ${names.map(name => `"${name}"`).join(', ')}; remove ${names.length === 1 ? 'it' : 'them'} with: dray undo ${run.id}`)
      return { text: options.keep ? names.join('\n') : '', json: { run: run.id, target: engine.address, ...drillJson(report), ...(options.keep ? { undo: `dray undo ${run.id}` } : {}) }, exitCode: report.copies.some(({ problems }) => problems.length > 0) ? exitCodes.incomplete : 0 }
    })
  },
}

function secondsOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' && value > 0 ? value : otherwise
}
