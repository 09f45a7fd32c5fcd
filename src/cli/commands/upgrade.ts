import { dockerConfigFolder } from '../../engine/docker-context.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { readCredentials, registryAuth, registryOf } from '../../registry/credentials.ts'
import { upgradeJson, upgradePlanText, upgradeText } from '../../ui/describe-upgrade.ts'
import { putAllRight } from '../../workflows/put-right.ts'
import { restoreData } from '../../workflows/steps/restore-data.ts'
import { planUpgrade, upgradeContainer, type UpgradeJob } from '../../workflows/upgrade.ts'
import { listOf, textOf } from '../backup-options.ts'
import type { Command } from '../command.ts'
import { lockRepository } from '../repository-lock.ts'
import { sayReport, withRun } from '../run-command.ts'
import { readVersion } from '../version.ts'

const usualSettleSeconds = 5

export const upgradeCommand: Command = {
  usage: 'upgrade <container> <image>',
  summary: 'Put a new image under a container\'s data: with a backup before, and the old one back if it does not work',
  examples: [
    ['dray upgrade registry registry:3', 'back it up, make it again from the new image, wait until it is healthy'],
    ['dray upgrade db postgres:18 --dry-run', 'compare the images and show what would be done'],
    ['dray upgrade db postgres:18 --data-path /var/lib/postgresql/data:/var/lib/postgresql', 'mount its data where the new image looks for it'],
  ],
  options: yargs => yargs
    .positional('container', { type: 'string', demandOption: true, describe: 'name or id' })
    .positional('image', { type: 'string', demandOption: true, describe: 'the new image; pulled if the engine does not have it' })
    .option('data-path', { type: 'string', array: true, nargs: 1, default: [], describe: 'mount what is at OLD at NEW: OLD:NEW' })
    .option('settle', { type: 'number', default: usualSettleSeconds, describe: 'seconds to stay up, without a health check' })
    .option('health-timeout', { type: 'number', describe: 'seconds to wait for health (default: what the health check itself would take)' })
    .option('reader', { choices: ['auto', 'host', 'helper', 'api'] as const, default: 'auto', describe: 'how mounts are read' }),
  run: async (args, context) => {
    const [container, image] = [textOf(args['container']) ?? '', textOf(args['image']) ?? '']
    const engine = await context.connect()
    const health = args['healthTimeout']
    const settle = args['settle']
    return await withRun(context, async run => {
      await using repository = await context.openRepository({ create: !context.globals.dryRun })
      await using lock = await lockRepository(context, repository, 'shared')
      const registry = registryOf(image)
      const job: UpgradeJob = {
        run, engine, repository, lock, container, image, version: readVersion(),
        options: { dataPaths: readPaths(listOf(args['dataPath'])), reader: args['reader'] as UpgradeJob['options']['reader'], settledMs: (typeof settle === 'number' && settle > 0 ? settle : usualSettleSeconds) * 1000, ...(typeof health === 'number' && health > 0 ? { healthSeconds: health } : {}) },
        auth: async () => registryAuth(await readCredentials(registry, dockerConfigFolder(context.env), context.env), registry),
      }
      if (context.globals.dryRun) {
        const plan = await planUpgrade(job).finally(() => putAllRight(engine, run, run.journal.open(), restoreData(run)))
        return { text: upgradePlanText(plan, image), json: upgradeJson(plan) }
      }
      const report = await upgradeContainer(job)
      sayReport(context, upgradeText(report, image, run.id))
      return { text: report.request.name, json: { run: run.id, target: engine.address, id: report.id, ...upgradeJson(report), state: report.state, kept: report.kept, replacedIn: report.backups, undo: `dray undo ${run.id}`, milliseconds: Math.round(report.milliseconds) } }
    })
  },
}

function readPaths(pairs: readonly string[]): Map<string, string> {
  return new Map(pairs.map(pair => {
    const [from = '', to = '', ...more] = pair.split(':')
    if (!from.startsWith('/') || !to.startsWith('/') || more.length > 0) throw new DrayError('usage', `"${pair}" does not say where data moves`, { hints: ['--data-path /old/path:/new/path'] })
    return [from, to]
  }))
}
