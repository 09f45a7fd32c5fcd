import type { ContainerInspect } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import { nameOf } from '../../engine/spec/spec-record.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { OwnerLock } from '../../files/owner-lock.ts'
import { inspectRepository } from '../../integrity/check-repository.ts'
import { addBackup } from '../../store/backup-graph.ts'
import type { BackupSummary } from '../../store/backup-summary.ts'
import { ChunkStore } from '../../store/chunk-store.ts'
import type { Repository } from '../../store/repository.ts'
import { backUpContainers } from '../backup.ts'
import { newBackupFacts } from '../backup-facts.ts'
import type { MountAction, RestoreOptions, RestorePlan } from '../restore-plan.ts'
import { whileTransferring } from '../reporter.ts'
import { startRun, type Run, type TemporaryJournal } from '../run.ts'
import { replacedTag } from './choose-backup.ts'
import { holdMemory } from './hold-memory.ts'
import { keptName } from './kept-name.ts'
import type { PlannedMount } from './plan-mounts.ts'
import { closeMounts, openMounts, readMounts, storedMounts } from './read-mounts.ts'
import { targetOf } from './write-mount.ts'

export type SetAside = {
  /** The containers that had the names, stopped, under other ones. */
  readonly containers: readonly { readonly id: string; readonly was: string; readonly name: string }[]
  /** The backups that hold what is replaced. */
  readonly backups: readonly string[]
  /** The one of them that holds a volume or path. */
  readonly holderOf: (source: string) => string | undefined
}

type Replacing = { readonly run: Run; readonly engine: Engine; readonly repository: Repository; readonly lock: OwnerLock; readonly options: RestoreOptions; readonly temporary: TemporaryJournal; readonly version: string }

/** `plans` in the order in which their containers need each other. */
export type SetAsideJob = Replacing & { readonly plans: readonly Pick<RestorePlan, 'replaced' | 'mounts'>[] }

/**
 * Stops the containers that are replaced, puts them and all data that will be replaced into the repository, and gives them other
 * names. Volumes cannot be renamed, so the backup is their way back.
 */
export async function setAside(job: SetAsideJob): Promise<SetAside | undefined> {
  const { run, engine, plans } = job
  const replaced = plans.flatMap(plan => plan.replaced ?? [])
  const toReplace = plans.flatMap(({ mounts }) => mounts.filter(({ action }) => action === 'replace'))
  if (replaced.length === 0 && toReplace.length === 0) return undefined
  for (const container of [...replaced].reverse()) await stopReplaced(job, container)
  const backups: string[] = []
  let covered: ReadonlySet<string> = new Set()
  if (replaced.length > 0) {
    const { backup, sources } = await readBack(job, () => backUpReplaced(job, replaced.map(({ Id }) => Id)))
    backups.push(backup.id)
    covered = sources
  }
  const loose = toReplace.filter(({ place }) => !('name' in place ? covered.has(place.name) : 'path' in place && covered.has(place.path)))
  const looseBackup = loose.length === 0 ? undefined : (await readBack(job, async () => ({ backup: await backUpLoose(job, loose) }))).backup.id
  if (looseBackup !== undefined) backups.push(looseBackup)
  const inLoose = new Set(loose.map(({ place }) => ('name' in place ? place.name : 'path' in place ? place.path : undefined)))
  const holderOf = (source: string): string | undefined => (covered.has(source) ? backups[0] : inLoose.has(source) ? looseBackup : undefined)
  run.reporter.note(`what is replaced is in backup ${backups.join(', ')}`)
  const containers: SetAside['containers'][number][] = []
  for (const container of replaced) {
    const was = nameOf(container)
    const name = keptName(was, run.id)
    await run.journal.record(engine, { did: 'renamed container', container: container.Id, was })
    await engine.containers.rename(container.Id, name, { signal: run.signal })
    containers.push({ id: container.Id, was, name })
  }
  return { containers, backups, holderOf }
}

async function stopReplaced(job: Replacing, replaced: ContainerInspect): Promise<void> {
  const { run, engine } = job
  if (!replaced.State.Running) return
  await holdMemory(job, replaced.Mounts.flatMap(({ Type, Name }) => (Type === 'volume' && Name !== undefined ? [Name] : [])))
  const container = { container: replaced.Id, name: nameOf(replaced) }
  if (replaced.State.Paused) await run.journal.record(engine, { did: 'unpaused', ...container })
  await run.journal.record(engine, { did: 'stopped', ...container })
  if (replaced.State.Paused) await engine.containers.unpause(replaced.Id)
  await engine.containers.stop(replaced.Id, {}, { signal: run.signal })
}

/**
 * What is about to go is in this backup alone, and the repository may have counted on a blob that is there and bad: so all of it
 * is read. Bad blobs are moved aside, and it is made once more; when that is not whole either it is no way back: `damaged`.
 */
async function readBack<Made extends { readonly backup: BackupSummary }>({ run, repository }: Replacing, make: () => Promise<Made>): Promise<Made> {
  for (let attempt = 1; ; attempt++) {
    const made = await make()
    const { id } = made.backup
    const { report } = await whileTransferring(run.reporter, 'reading back what is replaced', transfer => inspectRepository({
      repository, backup: made.backup, level: 'full', share: 1, repairs: true, onTotal: bytes => transfer.expect(bytes), onBytes: bytes => transfer.add(bytes), signal: run.signal,
    }))
    if (report.verdict === 'valid') return made
    if (attempt > 1) throw new DrayError('damaged', `backup "${id}" of what would be replaced is damaged, and so no way back`, { hints: [`what is wrong with it: dray verify ${id}`, 'restore beside it with --name'] })
    run.reporter.warn(`the repository held damaged data that backup ${id} counted on: it was moved aside, and what is replaced is backed up once more`)
  }
}

/** With the volumes and paths that the backup holds. One that is not whole is no way back: `io-failed`. */
async function backUpReplaced({ run, engine, repository, lock, version, options }: Replacing, containers: readonly string[]): Promise<{ readonly backup: BackupSummary; readonly sources: ReadonlySet<string> }> {
  const own = await startRun(run)
  try {
    const wishes = { containers, consistency: 'none', obeys: 'nothing', include: [], exclude: [], reader: options.reader, withImage: true, tags: [replacedTag], imageTags: [], commit: { changes: [] }, version } as const
    const { backup, mounts } = await backUpContainers({ run: own, engine, repository, lock, options: wishes })
    const problem = mounts.flatMap(({ described }) => described.problems.map(({ path, detail }) => `${described.label}: "${path}": ${detail}`))[0]
    if (problem !== undefined) throw notWhole(problem)
    return { backup, sources: new Set(mounts.map(({ described }) => described.source)) }
  } finally {
    await own.journal.close()
  }
}

/** Mounts that no container of ours has, as a backup of their own. */
async function backUpLoose({ run, engine, repository, lock, options, temporary }: Replacing, actions: readonly MountAction[]): Promise<BackupSummary> {
  const store = new ChunkStore(repository)
  const mounts: PlannedMount[] = []
  for (const [at, { place, stored: { described } }] of actions.entries()) {
    const target = await targetOf(engine, place, undefined, run.signal)
    const label = 'name' in place ? place.name : 'path' in place ? place.path : described.label
    mounts.push({ id: `m${at + 1}`, label, target, anonymous: false, destinations: described.destinations, ...(target.kind === 'volume' ? { driver: target.driver, options: {}, labels: {} } : {}) })
  }
  const open = await openMounts({ run, engine, mounts, reader: options.reader, base: undefined, temporary })
  try {
    const reports = await readMounts({ run, repository, store, open })
    await store.flush()
    const problem = reports.flatMap(({ problems }, at) => problems.map(({ path, detail }) => `${mounts[at]?.label ?? ''}: "${path.toString()}": ${detail}`))[0]
    if (problem !== undefined) throw notWhole(problem)
    const facts = newBackupFacts(run, engine, [replacedTag])
    return await addBackup(repository, { ...facts, images: [], containers: [], mounts: storedMounts(open, reports) }, lock)
  } finally {
    await closeMounts(open)
  }
}

function notWhole(problem: string): DrayError {
  return new DrayError('io-failed', `what would be replaced could not be backed up whole: ${problem}`, { hints: ['put that right, or restore beside it with --name'] })
}

/** Those that are not kept go only now that the new ones are there and were checked. Their anonymous volumes go with them. */
export async function removeReplaced({ run, engine }: { readonly run: Run; readonly engine: Engine }): Promise<void> {
  for (const entry of [...run.journal.open()].reverse()) {
    if (entry.did !== 'superseded container') continue
    await engine.containers.remove(entry.container, { force: true, volumes: true })
    await run.journal.settle(entry)
  }
}
