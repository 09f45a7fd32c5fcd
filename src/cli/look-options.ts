import type { Argv } from 'yargs'
import { DrayError } from '../errors/dray-error.ts'
import type { Repository } from '../store/repository.ts'
import { findPlace, lookIntoWhatIsLeft, splitPlace, type LookedBackup, type LookJob, type Place } from '../workflows/look/find-place.ts'
import { textOf } from './backup-options.ts'
import type { CommandContext } from './command.ts'
import { assertHeld } from '../files/owner-lock.ts'
import { lockRepository } from './repository-lock.ts'

/** Of every command that looks into backups. */
export function containerOption(yargs: Argv): Argv {
  return yargs.option('container', { type: 'string', describe: 'of this container: for "latest", and where a backup holds several' })
}

/** Opens the repository for reading, under its shared lock. */
export async function whileReading<T>(context: CommandContext, work: (repository: Repository) => Promise<T>): Promise<T> {
  await using repository = await context.openRepository({ create: false })
  await using lock = await lockRepository(context, repository, 'shared')
  const done = await work(repository)
  await assertHeld(lock, `the repository "${repository.path}"`)
  return done
}

export function lookJob(context: CommandContext, args: Record<string, unknown>, repository: Repository): LookJob {
  return { repository, container: textOf(args['container']), warn: text => context.reporter.warn(text) }
}

/** What BACKUP:MOUNT[/PATH] names. `usage` without a mount. */
export async function openPlace(job: LookJob, text: string, command: string): Promise<Place> {
  const { backup, rest } = splitPlace(text)
  if (rest === undefined || rest === '') throw new DrayError('usage', `"${text}" names no mount`, { hints: [`dray ${command} ${backup || 'BACKUP'}:MOUNT/PATH`, `the mounts of a backup: dray ls ${backup || 'BACKUP'}`] })
  return await findPlace(job.repository, await lookIntoWhatIsLeft(job, backup), rest)
}

/** Places of one backup are looked up with one reading of its documents. */
export class Places {
  private readonly job: LookJob
  private readonly backups = new Map<string, Promise<LookedBackup>>()

  constructor(job: LookJob) {
    this.job = job
  }

  async open(text: string, command: string): Promise<Place> {
    const { backup, rest } = splitPlace(text)
    if (rest === undefined || rest === '') return await openPlace(this.job, text, command)
    const looked = this.backups.get(backup) ?? lookIntoWhatIsLeft(this.job, backup)
    this.backups.set(backup, looked)
    return await findPlace(this.job.repository, await looked, rest)
  }
}
