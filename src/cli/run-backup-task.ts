import { messageOf } from '../errors/dray-error.ts'
import { exitCodes } from '../errors/exit-codes.ts'
import type { Repository } from '../store/repository.ts'
import { backupJson } from '../ui/describe-backup.ts'
import { RecordingReporter } from '../workflows/recording-reporter.ts'
import type { Run } from '../workflows/run.ts'
import { backUpHosts } from './back-up-hosts.ts'
import type { BackupTask } from './backup-task.ts'
import type { CommandContext, CommandResult } from './command.ts'
import { forgetAfterBackup } from './forget-after-backup.ts'
import { runHostCommand } from './host-command.ts'
import { notifyEnd, notifyStart } from './notify/notify.ts'
import { failedJson, withRun } from './run-command.ts'
import { isIncomplete, TaskSummary, type Outcome } from './task-summary.ts'

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
  connectMeanwhile(context, task)
  try {
    const result = await withRun(context, run => summary.whileOpen(run, task, repository => work(context, task, run, repository, outcome)))
    await notifyEnd(task.notify, summary.ended(result.exitCode ?? 0), told)
    return result
  } catch (thrown) {
    await notifyEnd(task.notify, summary.failed(thrown), told)
    throw thrown
  }
}

/** While the repository is opened. A failure is told by whoever needs the engine; a hook may have to start it first. */
function connectMeanwhile(context: CommandContext, { hosts, before }: BackupTask): void {
  const [host, ...others] = hosts
  if (others.length === 0 && before.length === 0) context.connect(host).catch(() => undefined)
}

async function work(context: CommandContext, task: BackupTask, run: Run, repository: Repository, outcome: Outcome): Promise<CommandResult> {
  const { reports, images, failed } = outcome
  const isWell = await withHostHooks(context, task, run, async () => {
    await backUpHosts({ context, task, run, repository, outcome })
  })
  reports.sort((one, other) => one.at - other.at)
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
