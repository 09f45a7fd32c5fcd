import type { Engine } from '../../engine/engine.ts'
import { exitCodes } from '../../errors/exit-codes.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { parseRegistryUrl } from '../../registry/reference.ts'
import type { Repository } from '../../store/repository.ts'
import { backupJson, backupText, imagesText } from '../../ui/describe-backup.ts'
import { backUpContainers } from '../../workflows/backup.ts'
import type { BackupReport } from '../../workflows/backup-report.ts'
import type { Failed } from '../../workflows/steps/choose-containers.ts'
import type { Run } from '../../workflows/run.ts'
import { backUpImages, type ImagesReport } from '../../workflows/backup-images.ts'
import { readBackupOptions, type BackupChoices } from '../backup-options.ts'
import { chooseGroups, isEmptySelection, withSelection } from '../choose-groups.ts'
import type { Command, CommandContext } from '../command.ts'
import { forgetAfterBackup, readForgetPolicy } from '../forget-after-backup.ts'
import { withKeepOptions } from '../keep-options.ts'
import { lockRepository } from '../repository-lock.ts'
import { failedJson, forEachGroup, sayReport, withRun } from '../run-command.ts'
import { confirmRegistry } from '../public-registry.ts'
import { readVersion } from '../version.ts'
import { planText } from './plan.ts'

export const backupCommand: Command = {
  usage: 'backup [container..]',
  summary: 'Back up containers whole: spec, image and writable layer, volumes, bind mounts, networks',
  examples: [
    ['dray backup web', 'the container "web" of the default engine, into the default repository'],
    ['dray backup --all', 'all of the engine; what belongs together rests at one time, and is one backup'],
    ['dray backup --project shop', 'all containers of a compose project, as one backup'],
    ["dray backup 'web-*' --label backup=nightly", 'by globs of names, and by labels'],
    ['dray backup web -H ssh://root@old -r /srv/backups', 'of another host, into another repository'],
    ['dray backup db --consistency stop --tag nightly', 'stopped for the moment; with a mark that list shows'],
    ['dray backup web --exclude cache --exclude /var/log', 'without the volume "cache" and the mount at /var/log'],
    ['dray backup --image app:1 --image base', 'images alone; a bare name means all its tags'],
    ['dray backup web --forget --keep-daily 7 --keep-weekly 4', 'then forget what no rule keeps, and free its space'],
    ['dray backup web --dry-run', 'show what would be captured, and what not'],
  ],
  options: yargs => withKeepOptions(withSelection(yargs))
    .option('forget', { type: 'boolean', default: false, describe: 'then forget what no rule keeps of these containers, and prune' })
    .option('consistency', { choices: ['pause', 'stop', 'none'] as const, default: 'pause', describe: 'how the container rests while what has changed is read' })
    .option('exclude', { type: 'string', array: true, nargs: 1, default: [], describe: 'leave out a mount: a volume, a path, or a glob of them' })
    .option('include', { type: 'string', array: true, nargs: 1, default: [], describe: 'capture a bind mount that is not captured unless asked' })
    .option('reader', { choices: ['auto', 'host', 'helper', 'api'] as const, default: 'auto', describe: 'how mounts are read' })
    .option('image', { type: 'string', array: true, nargs: 1, default: [], describe: 'back up images alone: name:tag, an id, or a name for all its tags' })
    .option('no-image', { type: 'boolean', default: false, describe: 'data and spec only, no image' })
    .option('tag', { type: 'string', array: true, nargs: 1, default: [], describe: 'a mark on the backup' })
    .option('image-tag', { type: 'string', array: true, nargs: 1, default: [], describe: 'a name for the stored image of the writable layer' })
    .option('change', { alias: 'c', type: 'string', array: true, nargs: 1, default: [], describe: 'a Dockerfile instruction for the commit, as docker commit --change' })
    .option('author', { alias: 'a', type: 'string', describe: 'author of the commit' })
    .option('message', { alias: 'm', type: 'string', describe: 'message of the commit' }),
  run: async (args, context) => {
    const choices = readBackupOptions(args)
    const policy = readForgetPolicy(args)
    if (isEmptySelection(choices.selection) && choices.images.length === 0) throw new DrayError('usage', 'name a container, or an image with --image', { hints: ['docker ps shows the containers; --all takes all of them', 'dray backup --help'] })
    const engine = await context.connect()
    if (context.globals.dryRun) return await planText(choices, context)
    return await withRun(context, async run => {
      await using repository = await context.openRepository({ create: true })
      if (repository.path.startsWith('oci://')) await confirmRegistry(context, parseRegistryUrl(repository.path).registry, 'the backup')
      const { reports, failed, images } = await backUpAll({ choices, context, run, engine, repository })
      const ids = [...reports.map(({ backup }) => backup.id), ...(images === undefined ? [] : [images.backup.id])]
      const whole = [...reports.filter(report => !isIncomplete(report)).map(({ backup }) => backup.id), ...(images === undefined ? [] : [images.backup.id])]
      const forgotten = policy === undefined ? undefined : await forgetAfterBackup(context, repository, { policy, whole, all: ids })
      return {
        text: ids.join('\n'),
        json: { run: run.id, repository: repository.path, ids, backups: reports.map(backupJson), failed: failedJson(failed), ...(images === undefined ? {} : { images: imagesJson(images) }), ...(forgotten === undefined ? {} : { forget: forgotten.json }) },
        exitCode: Math.max(failed.length > 0 || reports.some(isIncomplete) ? exitCodes.incomplete : 0, forgotten?.exitCode ?? 0),
      }
    })
  },
}

type BackUpAllJob = { readonly choices: BackupChoices; readonly context: CommandContext; readonly run: Run; readonly engine: Engine; readonly repository: Repository }

/** One group after the other. Throws the first failure when there is no backup of any. */
async function backUpAll({ choices, context, run, engine, repository }: BackUpAllJob): Promise<{ readonly reports: readonly BackupReport[]; readonly failed: readonly Failed[]; readonly images: ImagesReport | undefined }> {
  await using lock = await lockRepository(context, repository, 'shared')
  const reports: BackupReport[] = []
  const chosen = await chooseGroups(context, engine, choices)
  if (choices.imageTags.length > 0 && chosen.groups.flat().length > 1) throw new DrayError('usage', '--image-tag is a name for the image of one container', { hints: ['back that one up alone: dray backup NAME --image-tag REF'] })
  const failed = await forEachGroup(context, chosen, 'backed up', async group => {
    const report = await backUpContainers({ run, engine, repository, lock, options: { ...choices, containers: group.map(({ Id }) => Id), version: readVersion() } })
    sayReport(context, backupText(report))
    reports.push(report)
  })
  const images = choices.images.length === 0 ? undefined : await backUpImages({ run, engine, repository, lock, refs: choices.images, tags: choices.tags })
  if (images !== undefined) sayReport(context, imagesText(images))
  return { reports, failed, images }
}

function imagesJson({ backup, images }: ImagesReport): object {
  return { id: backup.id, images: images.map(({ facts, report }) => ({ ...facts, layers: report.layers, newLayers: report.newLayers })) }
}

/** Exit 3: something that should have been captured was not, or not as it should be. */
export function isIncomplete({ containers, mounts, freeze }: BackupReport): boolean {
  return containers.some(({ missing }) => missing.length > 0) || freeze.disturbed || mounts.some(({ described }) => described.problems.length > 0 || described.losses.length > 0)
}
