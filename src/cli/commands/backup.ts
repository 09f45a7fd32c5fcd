import { DrayError } from '../../errors/dray-error.ts'
import { readBackupOptions, textOf } from '../backup-options.ts'
import type { BackupTask } from '../backup-task.ts'
import { isEmptySelection, withSelection } from '../choose-groups.ts'
import type { Command, CommandContext, CommandResult } from '../command.ts'
import { readForgetPolicy } from '../forget-after-backup.ts'
import { withKeepOptions } from '../keep-options.ts'
import { readNotify, withNotifyOptions } from '../notify-options.ts'
import { defaultParallel, readParallel, withParallelOption } from '../parallel-option.ts'
import { runBackupTask } from '../run-backup-task.ts'
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
    ['dray backup --job nightly -q', 'a job of the configuration file; says nothing when all is well'],
    ['dray backup web --dry-run', 'show what would be captured, and what not'],
  ],
  isSilentWhenWell: true,
  options: yargs => withParallelOption(withNotifyOptions(withKeepOptions(withSelection(yargs))))
    .option('job', { type: 'string', describe: 'do what this job of the configuration says: goes with no option that chooses or forgets' })
    .option('forget', { type: 'boolean', default: false, describe: 'then forget what no rule keeps of these containers, and prune' })
    .option('consistency', { choices: ['pause', 'stop', 'none'] as const, describe: 'how the container rests while what has changed is read (default: its label dray.consistency, else pause)' })
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
    const task = await readTask(args, context)
    return context.globals.dryRun ? await planTask(task, context) : await runBackupTask(context, task)
  },
}

async function readTask(args: Record<string, unknown>, context: CommandContext): Promise<BackupTask> {
  const job = textOf(args['job'])
  if (job !== undefined) return await readJob(job, args, context)
  const choices = readBackupOptions(args)
  if (isEmptySelection(choices.selection) && choices.images.length === 0) throw new DrayError('usage', 'name a container, or an image with --image', { hints: ['docker ps shows the containers; --all takes all of them', 'dray backup --help'] })
  return { job, hosts: [undefined], repository: undefined, choices, policy: readForgetPolicy(args), before: [], after: [], hookTimeoutMs: 0, parallel: readParallel(args) ?? defaultParallel, notify: readNotify(args, context.env) }
}

async function readJob(name: string, args: Record<string, unknown>, context: CommandContext): Promise<BackupTask> {
  const { images, include, exclude, tags, imageTags, commit, obeys, reader, withImage, selection } = readBackupOptions(args)
  const chosen = [...images, ...include, ...exclude, ...tags, ...imageTags, ...commit.changes]
  if (!isEmptySelection(selection) || chosen.length > 0 || obeys !== 'labels' || reader !== 'auto' || !withImage || readForgetPolicy(args) !== undefined) throw new DrayError('usage', `--job ${name} does what the configuration says: no other option may choose or forget`, { hints: [`dray backup --job ${name} --dry-run shows what that is`] })
  const { loadConfig, noConfig } = await import('../config/read-config.ts')
  const { taskOfJob } = await import('../job-task.ts')
  const loaded = await loadConfig(context.globals.config, context.env)
  if (loaded === undefined) throw noConfig(name, context.env)
  const task = taskOfJob(loaded, name)
  const { ping, webhook, metrics } = readNotify(args, context.env)
  const parallel = readParallel(args)
  return { ...task, ...(parallel === undefined ? {} : { parallel }), ...(context.globals.host === undefined ? {} : { hosts: [context.globals.host] }), ...(context.globals.isRepoGiven ? { repository: undefined } : {}), notify: { ...task.notify, ...(ping === undefined ? {} : { ping }), ...(webhook === undefined ? {} : { webhook }), ...(metrics === undefined ? {} : { metrics }) } }
}

/** Of each engine what would be captured. */
async function planTask(task: BackupTask, context: CommandContext): Promise<CommandResult> {
  const plans: CommandResult[] = []
  for (const host of task.hosts) plans.push(await planText(task.choices, { ...context, connect: () => context.connect(host) }))
  const [first, ...others] = plans
  if (first !== undefined && others.length === 0) return first
  return { text: plans.map(({ text }, at) => `host ${task.hosts[at] ?? 'default'}\n\n${text}`).join('\n\n'), json: { hosts: plans.map(({ json }, at) => ({ host: task.hosts[at] ?? 'default', ...json })) }, exitCode: Math.max(...plans.map(({ exitCode }) => exitCode ?? 0)) }
}
