import type { Engine } from '../../engine/engine.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { unlessDamaged } from '../../errors/unless-damaged.ts'
import type { OwnerLock } from '../../files/owner-lock.ts'
import type { ReaderKind } from '../../mounts/mount-access.ts'
import { addBackup } from '../../store/backup-graph.ts'
import { listBackups } from '../../store/backup-list.ts'
import type { BackupSummary } from '../../store/backup-summary.ts'
import { ChunkStore } from '../../store/chunk-store.ts'
import { readMountContent, type MountContent } from '../../store/mount-manifest.ts'
import type { Repository } from '../../store/repository.ts'
import { newBackupFacts } from '../backup-facts.ts'
import { readLooked } from '../look/find-place.ts'
import type { CaptureReport } from '../mount-content.ts'
import type { DescribedMount } from '../mount-description.ts'
import type { Run, TemporaryJournal } from '../run.ts'
import type { PlannedMount } from '../steps/plan-mounts.ts'
import { closeMounts, openMounts, readChanges, readMounts, storedMounts } from '../steps/read-mounts.ts'
import { volumeTarget } from '../steps/write-mount.ts'
import { isVolume, whilePaused } from './at-rest.ts'
import { requireVolume } from './require-volume.ts'

export type VolumeBackupJob = {
  readonly run: Run
  readonly engine: Engine
  readonly repository: Repository
  readonly lock: OwnerLock
  readonly volume: string
  readonly reader: 'auto' | ReaderKind
  /** `pause`: containers that write to it are paused while what has changed is read. */
  readonly consistency: 'pause' | 'none'
  readonly tags: readonly string[]
  readonly temporary: TemporaryJournal
}

export type VolumeBackup = { readonly backup: BackupSummary; readonly report: CaptureReport }

/** One volume as a backup of its own: a mount, no container, no image. What is unchanged since its last backup is not read. */
export async function backUpVolume({ run, engine, repository, lock, volume, reader, consistency, tags, temporary }: VolumeBackupJob): Promise<VolumeBackup> {
  const { Driver, Options, Labels } = await requireVolume(engine, volume, run.signal)
  const mount: PlannedMount = { id: 'm1', label: volume, target: await volumeTarget(engine, volume, run.signal), anonymous: false, driver: Driver, options: Options ?? {}, labels: Labels ?? {}, destinations: [] }
  const known = await findStoredVolume(repository, volume, engine.facts.id)
  const [opened] = await openMounts({ run, engine, mounts: [mount], reader, base: undefined, temporary })
  if (opened === undefined) throw new RangeError('no mount was opened')
  const open = [known === undefined ? opened : { ...opened, base: { content: known.content, facts: known.described } }]
  try {
    const store = new ChunkStore(repository)
    const job = { run, repository, store, open }
    const first = await readMounts(job)
    const [report] = consistency === 'none' || !opened.reader.canList ? first : await whilePaused(run, engine, isVolume(volume), async () => await readChanges(job, first).stored)
    if (report === undefined) throw new RangeError('the volume was not read')
    await store.flush()
    const lacks = report.problems.length === 0 ? [] : [`${report.problems.length} ${report.problems.length === 1 ? 'entry' : 'entries'} of ${volume} that could not be read as they were`]
    run.signal.throwIfAborted()
    const backup = await addBackup(repository, { ...newBackupFacts(run, engine, tags), volumes: [volume], lacks, images: [], containers: [], mounts: storedMounts(open, [report]) }, lock)
    return { backup, report }
  } finally {
    await closeMounts(open)
  }
}

export type StoredVolume = { readonly backup: BackupSummary; readonly described: DescribedMount; readonly content: MountContent }

/** The newest backup that holds the volume, of this engine where one is named. Those of what was replaced do not count. */
export async function findStoredVolume(repository: Repository, volume: string, engine: string | undefined): Promise<StoredVolume | undefined> {
  for (const backup of (await listBackups(repository)).reverse()) {
    if ((engine !== undefined && backup.engine !== engine) || backup.tags.includes('replaced')) continue
    const found = await unlessDamaged(storedVolumeIn(repository, backup, volume))
    if (found !== undefined) return found
  }
  return undefined
}

/** The volume as one backup holds it, also as a mount of a container. */
export async function storedVolumeIn(repository: Repository, backup: BackupSummary, volume: string): Promise<StoredVolume | undefined> {
  const { mounts } = await readLooked(repository, backup)
  const mount = mounts.find(({ described: { kind, source } }) => kind === 'volume' && source === volume)
  return mount === undefined ? undefined : { backup, described: mount.described, content: (await readMountContent(repository.blobs, mount.parts)).content }
}

export async function requireStoredVolume(repository: Repository, backup: BackupSummary, volume: string | undefined): Promise<StoredVolume> {
  const { mounts } = await readLooked(repository, backup)
  const volumes = mounts.filter(({ described: { kind } }) => kind === 'volume').map(({ described: { source } }) => source)
  const wanted = volume ?? (volumes.length === 1 ? volumes[0] : undefined)
  const found = wanted === undefined ? undefined : await storedVolumeIn(repository, backup, wanted)
  if (found !== undefined) return found
  if (volume === undefined && volumes.length > 1) throw new DrayError('usage', `backup "${backup.id}" holds several volumes: ${volumes.join(', ')}`, { hints: ['name one'] })
  throw new DrayError('not-found', `backup "${backup.id}" holds no volume${volume === undefined ? '' : ` "${volume}"`}`, { hints: volumes.length === 0 ? [] : [`it holds: ${volumes.join(', ')}`] })
}
