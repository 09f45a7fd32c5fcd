import { access } from 'node:fs/promises'
import { DrayError } from '../errors/dray-error.ts'
import { exitCodes } from '../errors/exit-codes.ts'
import { assertHeld } from '../files/owner-lock.ts'
import { checkRepository, type RepositoryLevel } from '../integrity/check-repository.ts'
import type { BackupSummary } from '../store/backup-summary.ts'
import { noteCheck } from '../store/check-log.ts'
import { openRepository, repositoryPaths, type Repository } from '../store/repository.ts'
import { describeRepositoryReport } from '../ui/describe-repository-report.ts'
import { whileTransferring } from '../workflows/reporter.ts'
import { chooseBackup } from '../workflows/steps/choose-backup.ts'
import { textOf } from './backup-options.ts'
import type { CommandContext, CommandResult } from './command.ts'
import { lockRepository } from './repository-lock.ts'
import { readWait } from './wait-option.ts'

export type RepositoryTarget = { readonly directory?: string; readonly backup?: string; readonly container?: string }

/** The whole repository, the one in a directory that is named, or one backup. */
export async function verifyRepository(args: Record<string, unknown>, context: CommandContext, { directory, backup, container }: RepositoryTarget): Promise<CommandResult> {
  const { level, share } = readDepth(args)
  await using repository = directory === undefined ? await context.openRepository({ create: false }) : await openRepository(directory, { create: false })
  await using lock = await lockRepository(context, repository, 'shared', readWait(args))
  const chosen = backup === undefined ? undefined : await find(repository, backup, container, text => context.reporter.warn(text))
  const subject = chosen === undefined ? `repository ${repository.path}` : `backup ${chosen.id}`
  const report = await whileTransferring(context.reporter, subject, transfer => checkRepository({
    repository,
    ...(chosen === undefined ? {} : { backup: chosen }),
    level,
    share,
    repairs: args['noRepair'] !== true && !context.globals.dryRun,
    onTotal: bytes => transfer.expect(bytes),
    onBytes: bytes => transfer.add(bytes),
    signal: context.signal,
  }))
  await assertHeld(lock, `the repository "${repository.path}"`, 'what was found may be wrong: run the same command again')
  if (report.verdict === 'valid' && level !== 'quick' && share === 1) await noteCheck(repository, { at: new Date().toISOString(), did: 'verified', ...(chosen === undefined ? {} : { backup: chosen.id }) })
  return {
    text: describeRepositoryReport(subject, report, { withNotes: context.globals.verbose }),
    json: { repository: repository.path, ...(chosen === undefined ? {} : { backup: chosen.id }), ...report },
    exitCode: report.verdict === 'valid' ? 0 : exitCodes.damaged,
  }
}

/** Whether a directory is a repository of ours, and not only an image layout. */
export async function isRepository(directory: string): Promise<boolean> {
  return await access(repositoryPaths(directory).config).then(() => true, () => false)
}

/** Throws `usage` when an option that is for backups was given for something else. */
export function refuseRepositoryOptions(args: Record<string, unknown>): void {
  const given = (['quick', 'deep', 'sample', 'wait', 'noRepair'] as const).find(name => args[name] !== undefined && args[name] !== false)
  if (given !== undefined) throw new DrayError('usage', `--${given === 'noRepair' ? 'no-repair' : given} is for backups and repositories, not for image archives`, { hints: ['dray verify --help'] })
}

async function find(repository: Repository, wanted: string, container: string | undefined, warn: (text: string) => void): Promise<BackupSummary> {
  try {
    return await chooseBackup(repository, wanted, container, warn)
  } catch (thrown) {
    if (!(thrown instanceof DrayError) || thrown.code !== 'not-found' || wanted === 'latest') throw thrown
    throw new DrayError('not-found', `there is no file or directory "${wanted}", and no such backup in "${repository.path}"`, { hints: thrown.hints, cause: thrown })
  }
}

function readDepth(args: Record<string, unknown>): { level: RepositoryLevel; share: number } {
  const [quick, deep] = [args['quick'] === true, args['deep'] === true]
  const sample = textOf(args['sample'])
  if (quick && deep) throw new DrayError('usage', 'either --quick or --deep', { hints: ['dray verify --help'] })
  if (quick && sample !== undefined) throw new DrayError('usage', '--quick reads no data: there is nothing to sample', { hints: ['dray verify --sample 5% reads the hashes of a part'] })
  return { level: quick ? 'quick' : deep ? 'deep' : 'full', share: sample === undefined ? 1 : readShare(sample) }
}

function readShare(text: string): number {
  const percent = /^\d+(?:\.\d+)?%?$/.test(text) ? Number.parseFloat(text) : Number.NaN
  if (!(percent > 0 && percent <= 100)) throw new DrayError('usage', `"${text}" is no share of the data`, { hints: ['--sample 5%'] })
  return percent / 100
}
