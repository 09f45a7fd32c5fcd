import { hostname } from 'node:os'
import { DrayError, messageOf } from '../errors/dray-error.ts'
import { exitCodes } from '../errors/exit-codes.ts'
import { parseRegistryUrl } from '../registry/reference.ts'
import { isLocal, type Repository } from '../store/repository.ts'
import { writeRunSummary, type RunBackup, type RunFailure, type RunSummary } from '../store/run-summaries.ts'
import type { ImagesReport } from '../workflows/backup-images.ts'
import type { BackupReport } from '../workflows/backup-report.ts'
import type { RecordingReporter } from '../workflows/recording-reporter.ts'
import { newRunId, type Run } from '../workflows/run.ts'
import type { Failed } from '../workflows/steps/choose-containers.ts'
import type { BackupTask } from './backup-task.ts'
import type { CommandContext, CommandResult } from './command.ts'
import type { forgetAfterBackup } from './forget-after-backup.ts'
import { confirmRegistry } from './public-registry.ts'

/** What the engines of one task gave. `at` puts the reports into the order of hosts and groups. */
export type Outcome = { reports: (BackupReport & { readonly host: string; readonly at: number })[]; images: (ImagesReport & { readonly host: string })[]; failed: (Failed & { readonly host: string })[]; forget: Awaited<ReturnType<typeof forgetAfterBackup>> | undefined }

/** Exit 3: something that should have been captured was not, or not as it should be, or is suddenly not there. */
export function isIncomplete({ containers, mounts, freeze, surprises }: BackupReport): boolean {
  return surprises.length > 0 || containers.some(({ missing }) => missing.length > 0) || freeze.disturbed || mounts.some(({ described }) => described.problems.length > 0 || described.losses.length > 0)
}

/** Keeps what a run did in the repository: once when it begins, so that one which is killed is seen, and once when it has ended. */
export class TaskSummary {
  readonly #task: BackupTask
  readonly #context: CommandContext
  readonly #outcome: Outcome
  readonly #reporter: RecordingReporter
  readonly #startedAt = new Date().toISOString()
  #run = newRunId()
  #endedAt: string | undefined

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
    return { ...this.#facts(), endedAt: (this.#endedAt ??= new Date().toISOString()), exitCode }
  }

  failed(thrown: unknown): RunSummary {
    const error = thrown instanceof DrayError ? thrown : undefined
    const failure: RunFailure = { what: this.#task.job === undefined ? 'backup' : `job "${this.#task.job}"`, host: hostname(), code: error?.code ?? 'unexpected', message: messageOf(thrown) }
    const facts = this.#facts()
    const isNamed = this.#outcome.failed.some(each => each.error === thrown)
    return { ...facts, failed: isNamed ? facts.failed : [...facts.failed, failure], endedAt: (this.#endedAt ??= new Date().toISOString()), exitCode: error?.exitCode ?? exitCodes.unexpected }
  }

  #facts(): RunSummary {
    const { reports, images, failed, forget } = this.#outcome
    const job = this.#task.job
    return {
      format: 1, run: this.#run, ...(job === undefined ? {} : { job }), command: this.#context.commandLine, startedAt: this.#startedAt,
      backups: [...reports.map(toRunBackup), ...images.map(({ backup, host, images: stored }): RunBackup => ({ id: backup.id, created: backup.created, host, of: stored.map(({ facts }) => facts.names[0] ?? facts.id), entries: 0, dataBytes: 0, storedBytes: 0, restMs: 0, incomplete: false }))],
      failed: failed.map(({ what, host, error }) => ({ what, host, code: error.code, message: error.message })),
      forgotten: forget?.forgotten ?? [],
      freedBytes: forget?.freedBytes ?? 0,
      warnings: this.#reporter.warnings,
    }
  }

  /** A backup is worth more than its summary. In a registry there is no place for it. */
  async #keep(repository: Repository, summary: RunSummary): Promise<void> {
    if (!isLocal(repository)) return
    try {
      await writeRunSummary(repository, summary)
    } catch (thrown) {
      const text = `the summary of the run was not kept: ${messageOf(thrown)}`
      if (!this.#reporter.warnings.includes(text)) this.#reporter.warn(text)
    }
  }
}

function toRunBackup({ backup, host, containers, mounts, freeze, storedBytes, ...report }: BackupReport & { readonly host: string }): RunBackup {
  return {
    id: backup.id, created: backup.created, host, of: containers.map(({ name }) => name),
    entries: mounts.reduce((sum, { described }) => sum + described.entries, 0), dataBytes: mounts.reduce((sum, { described }) => sum + described.dataBytes, 0),
    storedBytes, restMs: Math.round(freeze.milliseconds), incomplete: isIncomplete({ backup, containers, mounts, freeze, storedBytes, ...report }),
  }
}
