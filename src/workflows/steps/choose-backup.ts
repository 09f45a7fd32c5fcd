import { DrayError } from '../../errors/dray-error.ts'
import { didYouMean } from '../../errors/similar-name.ts'
import { findBackup, isDatedAhead, listBackups } from '../../store/backup-list.ts'
import type { BackupSummary } from '../../store/backup-summary.ts'
import type { Repository } from '../../store/repository.ts'

/** What a restore replaced is backed up under this mark: a way back, never `latest`. */
export const replacedTag = 'replaced'

/**
 * A backup by id, unique prefix, or `latest`: of the container that is named the newest complete one, else the last run's. Where
 * that is not the newest, where none is complete, or where dates cannot be right, `warn` is told.
 */
export async function chooseBackup(repository: Repository, wanted: string, container: string | undefined, warn: (text: string) => void): Promise<BackupSummary> {
  const backups = (await listBackups(repository)).filter(({ containers, tags }) => containers.length > 0 && !tags.includes(replacedTag))
  if (wanted !== 'latest') return await orHint(findBackup(repository, wanted), backups, wanted)
  const newest = backups.findLast(({ containers }) => container === undefined || containers.includes(container))
  if (newest === undefined) throw noneOf(repository, container, backups)
  const chosen = container === undefined ? ofLastRun(newest, backups) : newestComplete(newest, container, backups, warn)
  for (const { id, created } of backups.filter(backup => isDatedAhead(backup) && (backup === chosen || container === undefined || backup.containers.includes(container)))) {
    warn(`backup ${id} is dated in the future, ${created}: a clock was wrong, or is${id === chosen.id ? '; nothing with a right date was stored after it, so it is taken as the latest' : '; what was stored after it counts as newer'} (dray list shows them; to take another, name its id)`)
  }
  if (chosen.lacks.length > 0) warn(`backup ${chosen.id} of ${chosen.created} is not complete: it lacks ${chosen.lacks.join('; ')}`)
  return chosen
}

function newestComplete(newest: BackupSummary, container: string, backups: readonly BackupSummary[], warn: (text: string) => void): BackupSummary {
  const own = backups.filter(({ containers }) => containers.includes(container))
  const hosts = [...new Set(own.map(({ host }) => host))]
  if (hosts.length > 1) warn(`there are backups of a container "${container}" of several hosts (${hosts.join(', ')}): the latest one is of "${newest.host}"`)
  const complete = own.findLast(({ host, lacks }) => host === newest.host && lacks.length === 0)
  if (complete === undefined || complete === newest) return newest
  warn(`backup ${newest.id} of ${newest.created} is newer and passed over: it lacks ${newest.lacks.join('; ')}; the last complete one is ${complete.id} of ${complete.created} (to take the newer one, name its id)`)
  return complete
}

/** A run makes one backup for each container: without a name there has to be only one. */
function ofLastRun(newest: BackupSummary, backups: readonly BackupSummary[]): BackupSummary {
  const names = [...new Set(backups.filter(({ run }) => run === newest.run).flatMap(({ containers }) => containers))]
  if (names.length <= newest.containers.length) return newest
  throw new DrayError('usage', `the last run backed up several containers: ${names.join(', ')}`, { hints: [`name the one you want, as in: latest ${names[0] ?? ''}`] })
}

function noneOf({ path }: Repository, container: string | undefined, backups: readonly BackupSummary[]): DrayError {
  const what = container === undefined ? 'of a container' : `of container "${container}"`
  const similar = container === undefined ? [] : didYouMean(container, backups.flatMap(({ containers }) => containers))
  return new DrayError('not-found', `there is no backup ${what} in "${path}"`, { hints: [...similar, 'dray list shows the backups'] })
}

async function orHint(finding: Promise<BackupSummary>, backups: readonly BackupSummary[], wanted: string): Promise<BackupSummary> {
  try {
    return await finding
  } catch (thrown) {
    if (!(thrown instanceof DrayError)) throw thrown
    const names = backups.flatMap(({ containers }) => containers)
    if (names.includes(wanted)) throw new DrayError(thrown.code, thrown.message, { hints: [`it is the name of a container: dray restore latest ${wanted}`], cause: thrown })
    const similar = didYouMean(wanted, ['latest', ...backups.map(({ id }) => id)])
    throw similar.length === 0 ? thrown : new DrayError(thrown.code, thrown.message, { hints: [...similar, ...thrown.hints], cause: thrown })
  }
}
