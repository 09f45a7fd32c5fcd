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

/** What a restore is to bring back: containers of one backup, or of several. */
export type ChosenBackup = { readonly backup: BackupSummary; readonly containers: readonly string[] }

export type WantedBackup = {
  /** An id, a unique prefix of one, or `latest`. */
  readonly backup: string
  /** Empty for all that the backup holds. */
  readonly containers: readonly string[]
  /** All backups of a run: of the last one, or of the one that `backup` is the id of. */
  readonly all: boolean
}

/** Each container once. `latest` is looked for by container, where containers are named. */
export async function chooseBackups(repository: Repository, wanted: WantedBackup | readonly WantedBackup[], warn: (text: string) => void): Promise<ChosenBackup[]> {
  const chosen: ChosenBackup[] = []
  for (const each of [wanted].flat()) chosen.push(...(await chooseFor(repository, each, warn)))
  return chosen
}

async function chooseFor(repository: Repository, { backup: wanted, containers, all }: WantedBackup, warn: (text: string) => void): Promise<ChosenBackup[]> {
  const ofRun = all ? await backupsOfRun(repository, wanted, containers, warn) : undefined
  if (ofRun !== undefined) return ofRun
  if (wanted !== 'latest' || containers.length === 0) {
    const backup = await chooseBackup(repository, wanted, undefined, warn)
    if (backup.containers.length === 0) throw new DrayError('not-found', `backup "${backup.id}" holds images alone, no container`, { hints: [`dray show ${backup.id}`] })
    return [{ backup, containers: containers.length === 0 ? backup.containers : [...new Set(containers)] }]
  }
  const chosen = new Map<string, ChosenBackup>()
  for (const container of new Set(containers)) {
    const backup = await chooseBackup(repository, wanted, container, warn)
    chosen.set(backup.id, { backup, containers: [...(chosen.get(backup.id)?.containers ?? []), container] })
  }
  return [...chosen.values()]
}

/** Undefined when `wanted` is neither `latest` nor a run. A run may be of several engines: then of the one that was last. */
async function backupsOfRun(repository: Repository, wanted: string, containers: readonly string[], warn: (text: string) => void): Promise<ChosenBackup[] | undefined> {
  const backups = (await listBackups(repository)).filter(backup => backup.containers.length > 0 && !backup.tags.includes(replacedTag))
  const run = wanted === 'latest' ? backups.at(-1)?.run : backups.find(backup => backup.run === wanted)?.run
  if (run === undefined) {
    if (wanted === 'latest') throw noneOf(repository, undefined, backups)
    return undefined
  }
  const ofRun = backups.filter(backup => backup.run === run)
  const last = ofRun.at(-1)
  const others = [...new Set(ofRun.filter(({ engine }) => engine !== last?.engine).map(({ host }) => host))]
  if (others.length > 0) warn(`the run backed up several hosts: restored is what it has of "${last?.host ?? ''}", not of ${others.join(', ')}`)
  const taken = ofRun.filter(({ engine }) => engine === last?.engine)
  for (const { id, lacks } of taken) if (lacks.length > 0) warn(`backup ${id} is not complete: it lacks ${lacks.join('; ')}`)
  const missing = containers.find(name => !taken.some(backup => backup.containers.includes(name)))
  if (missing !== undefined) throw new DrayError('not-found', `the run "${run}" backed up no container "${missing}"`, { hints: [`it backed up: ${taken.flatMap(backup => backup.containers).join(', ')}`] })
  return taken.map(backup => ({ backup, containers: backup.containers.filter(name => containers.length === 0 || containers.includes(name)) })).filter(each => each.containers.length > 0)
}

/** A run makes several backups where not all of it belongs together: without a name there has to be only one. */
function ofLastRun(newest: BackupSummary, backups: readonly BackupSummary[]): BackupSummary {
  const names = [...new Set(backups.filter(({ run }) => run === newest.run).flatMap(({ containers }) => containers))]
  if (names.length <= newest.containers.length) return newest
  throw new DrayError('usage', `the last run backed up several containers: ${names.join(', ')}`, { hints: [`name the one you want, as in: latest ${names[0] ?? ''}`, 'dray restore latest --all takes all of them'] })
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
    const ofContainer = backups.filter(({ containers }) => containers.includes(wanted)).at(-1)
    if (ofContainer !== undefined) throw new DrayError(thrown.code, thrown.message, { hints: [`it is the name of a container, whose newest backup is ${ofContainer.id}`], cause: thrown })
    const similar = didYouMean(wanted, ['latest', ...backups.map(({ id }) => id)])
    throw similar.length === 0 ? thrown : new DrayError(thrown.code, thrown.message, { hints: [...similar, ...thrown.hints], cause: thrown })
  }
}
