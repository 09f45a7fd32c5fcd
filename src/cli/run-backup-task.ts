import type { Engine } from '../engine/engine.ts'
import { DrayError, messageOf } from '../errors/dray-error.ts'
import { exitCodes } from '../errors/exit-codes.ts'
import type { Repository } from '../store/repository.ts'
import { backupJson, backupText, imagesText } from '../ui/describe-backup.ts'
import { backUpContainers } from '../workflows/backup.ts'
import { backUpImages } from '../workflows/backup-images.ts'
import { RecordingReporter } from '../workflows/recording-reporter.ts'
import type { Run } from '../workflows/run.ts'
import type { BackupChoices } from './backup-options.ts'
import type { BackupTask } from './backup-task.ts'
import { chooseGroups } from './choose-groups.ts'
import type { CommandContext, CommandResult } from './command.ts'
import { forgetAfterBackup } from './forget-after-backup.ts'
import { runHostCommand } from './host-command.ts'
import { notifyEnd, notifyStart } from './notify/notify.ts'
import { lockRepository } from './repository-lock.ts'
import { failedJson, forEachGroup, sayReport, withRun } from './run-command.ts'
import { isIncomplete, TaskSummary, type Outcome } from './task-summary.ts'
import { readVersion } from './version.ts'

/**
 * Backs up what a task says, from all its engines, forgets, and tells whoever is to know, also when it fails or is interrupted.
 * A summary of the run stays in the repository. One engine that fails leaves the others their turn.
 */
export async function runBackupTask(outer: CommandContext, task: BackupTask): Promise<CommandResult> {
  const reporter = new RecordingReporter(outer.reporter)
  const context: CommandContext = { ...outer, reporter }
  const told = { reporter, job: task.job ?? 'backup', env: outer.env }
  const outcome: Outcome = { reports: [], images: [], failed: [], forget: undefined }
  const summary = new TaskSummary(task, context, outcome, reporter)
  await notifyStart(task.notify, told)
  try {
    const result = await withRun(context, run => summary.whileOpen(run, task, repository => work(context, task, run, repository, outcome)))
    await notifyEnd(task.notify, summary.ended(result.exitCode ?? 0), told)
    return result
  } catch (thrown) {
    await notifyEnd(task.notify, summary.failed(thrown), told)
    throw thrown
  }
}

async function work(context: CommandContext, task: BackupTask, run: Run, repository: Repository, outcome: Outcome): Promise<CommandResult> {
  const { reports, images, failed } = outcome
  const isWell = await withHostHooks(context, task, run, async () => {
    for (const host of task.hosts) await backUpHost(context, task, { run, repository, host }, outcome)
  })
  const ids = [...reports, ...images].map(({ backup }) => backup.id)
  const whole = [...reports.filter(report => !isIncomplete(report)), ...images].map(({ backup }) => backup.id)
  outcome.forget = task.policy === undefined ? undefined : await forgetAfterBackup(context, repository, { policy: task.policy, whole, all: ids })
  return {
    text: ids.join('\n'),
    json: {
      run: run.id, ...(task.job === undefined ? {} : { job: task.job }), repository: repository.path, ids,
      backups: reports.map(report => ({ ...backupJson(report), host: report.host })), failed: failedJson(failed),
      ...(images.length === 0 ? {} : { images: imagesJson(images) }), ...(outcome.forget === undefined ? {} : { forget: outcome.forget.json }),
    },
    exitCode: Math.max(!isWell || failed.length > 0 || reports.some(isIncomplete) ? exitCodes.incomplete : 0, outcome.forget?.exitCode ?? 0),
  }
}

type HostJob = { readonly run: Run; readonly repository: Repository; readonly host: string | undefined }

/** An engine of several that cannot be reached, or of which nothing can be backed up, is named; when it is the only one, its failure is thrown. */
async function backUpHost(context: CommandContext, { hosts, choices }: BackupTask, { run, repository, host }: HostJob, outcome: Outcome): Promise<void> {
  try {
    const engine = await context.connect(host)
    await backUpAll({ choices, context, run, engine, repository }, outcome)
  } catch (thrown) {
    if (hosts.length === 1 || context.signal.aborted || !(thrown instanceof DrayError)) throw thrown
    const what = `host "${host ?? 'default'}"`
    context.reporter.warn(`${what} is not backed up: ${[thrown.message, ...thrown.hints].join('; ')}`)
    outcome.failed.push({ container: host ?? 'default', what, error: thrown, host: host ?? 'default' })
    if (outcome.failed.filter(({ what: each }) => each.startsWith('host ')).length === hosts.length) throw thrown
  }
}

type BackUpAllJob = { readonly choices: BackupChoices; readonly context: CommandContext; readonly run: Run; readonly engine: Engine; readonly repository: Repository }

/** One group after the other. Throws the first failure when there is no backup of any. */
async function backUpAll({ choices, context, run, engine, repository }: BackUpAllJob, { reports, images, failed }: Outcome): Promise<void> {
  await using lock = await lockRepository(context, repository, 'shared')
  const host = engine.facts.name
  const chosen = await chooseGroups(context, engine, choices)
  if (choices.imageTags.length > 0 && chosen.groups.flat().length > 1) throw new DrayError('usage', '--image-tag is a name for the image of one container', { hints: ['back that one up alone: dray backup NAME --image-tag REF'] })
  failed.push(...(await forEachGroup(context, chosen, 'backed up', async group => {
    const report = await backUpContainers({ run, engine, repository, lock, options: { ...choices, containers: group.map(({ Id }) => Id), version: readVersion() } })
    sayReport(context, backupText(report))
    reports.push({ ...report, host })
  })).map(each => ({ ...each, host })))
  if (choices.images.length === 0) return
  const stored = await backUpImages({ run, engine, repository, lock, refs: choices.images, tags: choices.tags })
  sayReport(context, imagesText(stored))
  images.push({ ...stored, host })
}

/** When what runs before fails, nothing is backed up. What runs after is run whatever happens; false when that fails: the backups are there. */
async function withHostHooks({ reporter, env, signal }: CommandContext, { job, before, after, hookTimeoutMs }: BackupTask, run: Run, backUp: () => Promise<void>): Promise<boolean> {
  let isWell = true
  const hooked = async (command: string, stop: AbortSignal): Promise<void> => {
    reporter.stepStarted(command)
    try {
      await runHostCommand(command, { env: { ...env, DRAY_JOB: job ?? '', DRAY_RUN: run.id }, timeoutMs: hookTimeoutMs, signal: stop, onLine: line => reporter.note(line) })
      reporter.stepEnded(command, 'done')
    } catch (thrown) {
      reporter.stepEnded(command, 'failed')
      throw thrown
    }
  }
  try {
    for (const command of before) await hooked(command, signal)
    await backUp()
  } finally {
    for (const command of after) {
      await hooked(command, new AbortController().signal).catch((thrown: unknown) => {
        isWell = false
        reporter.warn(`after the backup: ${messageOf(thrown)}`)
      })
    }
  }
  return isWell
}

function imagesJson(images: Outcome['images']): object {
  const [first, ...others] = images.map(({ backup, host, images: stored }) => ({ id: backup.id, host, images: stored.map(({ facts, report }) => ({ ...facts, layers: report.layers, newLayers: report.newLayers })) }))
  return others.length === 0 ? { ...first } : [first, ...others]
}
