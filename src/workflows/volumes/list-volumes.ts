/** Every managed volume and bind mount of an engine, whoever has it. */
import type { MountPoint, VolumeInspect } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import { unlessDamaged } from '../../errors/unless-damaged.ts'
import { openMountReader } from '../../mounts/open-mount.ts'
import { listBackups } from '../../store/backup-list.ts'
import type { BackupSummary } from '../../store/backup-summary.ts'
import type { Repository } from '../../store/repository.ts'
import { readLooked } from '../look/find-place.ts'
import type { Run, TemporaryJournal } from '../run.ts'
import { isTemporaryContainer, nameOfSummary } from '../steps/running-containers.ts'
import { sizeOf, type MountSize } from '../steps/size-of-mount.ts'
import { volumeTarget } from '../steps/write-mount.ts'

export type MountUser = { readonly container: string; readonly state: string; readonly path: string; readonly readOnly: boolean }

export type ListedVolume = {
  readonly kind: 'volume' | 'bind'
  /** The volume's name, or the path on the host. */
  readonly source: string
  readonly driver?: string
  readonly created?: string
  readonly labels: Readonly<Record<string, string>>
  readonly users: readonly MountUser[]
  readonly lastBackup?: { readonly id: string; readonly created: string }
  readonly size?: MountSize
}

/** Sorted: volumes, then binds. Containers that do not run count as users too. */
export async function listVolumes(engine: Engine, signal: AbortSignal): Promise<ListedVolume[]> {
  const [volumes, containers] = [await engine.volumes.list(undefined, { signal }), await engine.containers.list(undefined, { signal })]
  const users = new Map<string, MountUser[]>()
  for (const container of containers.filter(each => !isTemporaryContainer(each))) {
    for (const { Type, Name, Source, Destination, RW } of (container.Mounts ?? []) as MountPoint[]) {
      if (Type !== 'volume' && Type !== 'bind') continue
      const key = `${Type} ${Type === 'volume' ? (Name ?? '') : Source}`
      users.set(key, [...(users.get(key) ?? []), { container: nameOfSummary(container), state: container.State, path: Destination, readOnly: !RW }])
    }
  }
  const own = (volume: VolumeInspect): boolean => volume.Labels?.['dev.drayage.temporary'] === 'true'
  const managed = volumes.filter(each => !own(each)).map(({ Name, Driver, CreatedAt, Labels }): ListedVolume => ({ kind: 'volume', source: Name, driver: Driver, ...(CreatedAt === undefined ? {} : { created: CreatedAt }), labels: Labels ?? {}, users: users.get(`volume ${Name}`) ?? [] }))
  const binds = [...users].filter(([key]) => key.startsWith('bind ')).map(([key, of]): ListedVolume => ({ kind: 'bind', source: key.slice(5), labels: {}, users: of }))
  const bySource = (a: ListedVolume, b: ListedVolume): number => (a.source < b.source ? -1 : 1)
  return [...managed.sort(bySource), ...binds.sort(bySource)]
}

const mostBackupsLookedInto = 500

/** The newest backup on this engine that holds each. Backups are looked into newest first, until all are found or some hundreds were. */
export async function addLastBackups(repository: Repository, engine: Engine, volumes: readonly ListedVolume[]): Promise<ListedVolume[]> {
  const last = new Map<string, BackupSummary>()
  const backups = (await listBackups(repository)).filter(backup => backup.engine === engine.facts.id).reverse()
  for (const backup of backups.slice(0, mostBackupsLookedInto)) {
    if (volumes.every(({ kind, source }) => last.has(`${kind} ${source}`))) break
    const looked = await unlessDamaged(readLooked(repository, backup))
    for (const { described: { kind, source } } of looked?.mounts ?? []) {
      const key = `${kind === 'volume' ? 'volume' : 'bind'} ${source}`
      if (!last.has(key)) last.set(key, backup)
    }
  }
  return volumes.map(volume => {
    const found = last.get(`${volume.kind} ${volume.source}`)
    return found === undefined ? volume : { ...volume, lastBackup: { id: found.id, created: found.created } }
  })
}

/** Lists what lies in each managed volume. One that cannot be listed has no size. */
export async function addSizes({ run, engine, temporary }: { readonly run: Run; readonly engine: Engine; readonly temporary: TemporaryJournal }, volumes: readonly ListedVolume[]): Promise<ListedVolume[]> {
  const sized: ListedVolume[] = []
  for (const volume of volumes) {
    if (volume.kind === 'bind') {
      sized.push(volume)
      continue
    }
    await using reader = await openMountReader({ engine, target: await volumeTarget(engine, volume.source, run.signal), reader: 'auto', run: run.id, journal: temporary, signal: run.signal })
    sized.push(reader.canList ? { ...volume, size: await sizeOf(reader, run.signal) } : volume)
  }
  return sized
}
