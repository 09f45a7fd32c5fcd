import { hostname } from 'node:os'
import type { Engine } from '../engine/engine.ts'
import { DrayError, messageOf } from '../errors/dray-error.ts'
import { exitCodes } from '../errors/exit-codes.ts'
import { parseRegistryUrl } from '../registry/reference.ts'
import { isLocal, type Repository } from '../store/repository.ts'
import { writeRunSummary, type RunBackup, type RunFailure, type RunSummary } from '../store/run-summaries.ts'
import { backupJson, backupText, imagesText } from '../ui/describe-backup.ts'
import { backUpContainers } from '../workflows/backup.ts'
import type { BackupReport } from '../workflows/backup-report.ts'
import { backUpImages, type ImagesReport } from '../workflows/backup-images.ts'
import { RecordingReporter } from '../workflows/recording-reporter.ts'
import { newRunId, type Run } from '../workflows/run.ts'
import type { Failed } from '../workflows/steps/choose-containers.ts'
import type { BackupChoices } from './backup-options.ts'
import type { BackupTask } from './backup-task.ts'
import { chooseGroups } from './choose-groups.ts'
import type { CommandContext, CommandResult } from './command.ts'
import { forgetAfterBackup } from './forget-after-backup.ts'
import { runHostCommand } from './host-command.ts'
import { notifyEnd, notifyStart } from './notify/notify.ts'
import { confirmRegistry } from './public-registry.ts'
import { lockRepository } from './repository-lock.ts'
import { failedJson, forEachGroup, sayReport, withRun } from './run-command.ts'
import { readVersion } from './version.ts'

/** What the engines of one task gave. */
type Outcome = { reports: (BackupReport & { readonly host: string })[]; images: (ImagesReport & { readonly host: string })[]; failed: (Failed & { readonly host: string })[]; forget: Awaited<ReturnType<typeof forgetAfterBackup>> | undefined }

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

/** Exit 3: something that should have been captured was not, or not as it should be, or is suddenly not there. */
export function isIncomplete({ containers, mounts, freeze, surprises }: BackupReport): boolean {
  return surprises.length > 0 || containers.some(({ missing }) => missing.length > 0) || freeze.disturbed || mounts.some(({ described }) => described.problems.length > 0 || described.losses.length > 0)
}

function imagesJson(images: Outcome['images']): object {
  const [first, ...others] = images.map(({ backup, host, images: stored }) => ({ id: backup.id, host, images: stored.map(({ facts, report }) => ({ ...facts, layers: report.layers, newLayers: report.newLayers })) }))
  return others.length === 0 ? { ...first } : [first, ...others]
}

/** Keeps what a run did in the repository: once when it begins, so that one which is killed is seen, and once when it has ended. */
class TaskSummary {
  readonly #task: BackupTask
  readonly #context: CommandContext
  readonly #outcome: Outcome
  readonly #reporter: RecordingReporter
  readonly #startedAt = new Date().toISOString()
  #run = newRunId()

  constructor(task: BackupTask, context: CommandContext, outcome: Outcome, reporter: RecordingReporter) {
    this.#task = task
    this.#context = context
    this.#outcome = outcome
    this.#reporter = reporter
  }

  async whileOpen(run: Run, { repository: path, hosts }: BackupTask, backUp: (repository: Repository) => Promise<CommandResult>): Promise<CommandResult> {
    this.#run = run.id
    // An address that is wrong makes no repository.
    if (hosts.length === 1) await this.#context.connect(hosts[0])
    await using repository = await this.#context.openRepository({ create: true, ...(path === undefined ? {} : { path }) })
    if (repository.path.startsWith('oci://')) await confirmRegistry(this.#context, parseRegistryUrl(repository.path).registry, 'the backup')
    await this.#keep(repository, this.#facts())
    try {
      const result = await backUp(repository)
      await this.#keep(repository, this.ended(result.exitCode ?? 0))
      return result
    } catch (thrown) {
      await this.#keep(repository, this.failed(thrown))
      throw thrown
    }
  }

  ended(exitCode: number): RunSummary {
    return { ...this.#facts(), endedAt: new Date().toISOString(), exitCode }
  }

  failed(thrown: unknown): RunSummary {
    const error = thrown instanceof DrayError ? thrown : undefined
    const failure: RunFailure = { what: this.#task.job === undefined ? 'backup' : `job "${this.#task.job}"`, host: hostname(), code: error?.code ?? 'unexpected', message: messageOf(thrown) }
    const facts = this.#facts()
    return { ...facts, failed: [...facts.failed, failure], endedAt: new Date().toISOString(), exitCode: error?.exitCode ?? exitCodes.unexpected }
  }

  #facts(): RunSummary {
    const { reports, images, failed, forget } = this.#outcome
    const job = this.#task.job
    return {
      format: 1, run: this.#run, ...(job === undefined ? {} : { job }), command: this.#context.commandLine, startedAt: this.#startedAt,
      backups: [...reports.map(toRunBackup), ...images.map(({ backup, host, images: stored }): RunBackup => ({ id: backup.id, host, of: stored.map(({ facts }) => facts.names[0] ?? facts.id), entries: 0, dataBytes: 0, storedBytes: 0, restMs: 0, incomplete: false }))],
      failed: failed.map(({ what, host, error }) => ({ what, host, code: error.code, message: error.message })),
      forgotten: forget?.forgotten ?? [],
      freedBytes: forget?.freedBytes ?? 0,
      warnings: this.#reporter.warnings,
    }
  }

  /** A backup is worth more than its summary. In a registry there is no place for it. */
  async #keep(repository: Repository, summary: RunSummary): Promise<void> {
    if (!isLocal(repository)) return
    await writeRunSummary(repository, summary).catch((thrown: unknown) => this.#reporter.warn(`the summary of the run was not kept: ${messageOf(thrown)}`))
  }
}

function toRunBackup({ backup, host, containers, mounts, freeze, storedBytes, ...report }: BackupReport & { readonly host: string }): RunBackup {
  return {
    id: backup.id, host, of: containers.map(({ name }) => name),
    entries: mounts.reduce((sum, { described }) => sum + described.entries, 0), dataBytes: mounts.reduce((sum, { described }) => sum + described.dataBytes, 0),
    storedBytes, restMs: Math.round(freeze.milliseconds), incomplete: isIncomplete({ backup, containers, mounts, freeze, storedBytes, ...report }),
  }
}
