import { DrayError } from '../../errors/dray-error.ts'
import { inspectRepository } from '../../integrity/check-repository.ts'
import { missingBlobs, readBackup, readContainerSpec, readMount, sayMissing, type BackupContents } from '../../store/backup-graph.ts'
import type { BackupSummary } from '../../store/backup-summary.ts'
import type { Blobs } from '../../store/blobs.ts'
import type { Repository } from '../../store/repository.ts'
import { parseContainerSpec, type ContainerSpec } from '../container-spec.ts'
import { fromMountDescription } from '../mount-description.ts'
import { whileTransferring } from '../reporter.ts'
import type { StoredContainer, StoredMount } from '../restore-plan.ts'
import type { Run } from '../run.ts'

/** Throws `damaged`, before anything is touched, when a blob of the backup is not there. */
export async function readStored(repository: Repository, backup: BackupSummary, containers: readonly string[]): Promise<StoredContainer[]> {
  const { blobs } = repository
  const missing = await missingBlobs(blobs, [backup.descriptor]).catch((thrown: unknown) => {
    throw thrown instanceof DrayError && thrown.code === 'damaged' ? new DrayError('damaged', `backup "${backup.id}" is damaged: ${thrown.message}`, { hints: hintsFor(backup), cause: thrown }) : thrown
  })
  if (missing.length > 0) throw new DrayError('damaged', `backup "${backup.id}" is incomplete: ${sayMissing(missing)}`, { hints: hintsFor(backup) })
  const stored: StoredContainer[] = []
  const known = new Map<string, Promise<StoredMount>>()
  for (const container of containers) {
    const { contents, spec } = await readSpec(blobs, backup, container)
    const mounts: StoredMount[] = []
    for (const id of idsOf(spec)) mounts.push(await onceEach(known, id, () => readStoredMount(blobs, backup, contents, id)))
    const dump = spec.dump === undefined ? {} : { dump: await readStoredMount(blobs, backup, contents, spec.dump.mount) }
    stored.push({ backup, contents, spec, mounts, ...dump, skipsDamaged: false, lost: [] })
  }
  return stored
}

/** A mount that a container has in several places is one. */
function idsOf({ mounts }: Pick<ContainerSpec, 'mounts'>): string[] {
  return [...new Set(mounts.map(({ id }) => id))]
}

function onceEach<Thing>(known: Map<string, Promise<Thing>>, key: string, make: () => Promise<Thing>): Promise<Thing> {
  const found = known.get(key) ?? make()
  known.set(key, found)
  return found
}

/** What was found of backups that were read to their end, by their ids. */
export type Examined = Map<string, Awaited<ReturnType<typeof inspectRepository>>>

/**
 * Reads every blob of the backup, and gives what is left: mounts with the chunks that are bad, and without those mounts of which
 * nothing can be read. Throws `damaged` when the spec itself is lost. What `examined` knows is not read again.
 */
export async function readWhatIsLeft({ reporter, signal }: Pick<Run, 'reporter' | 'signal'>, repository: Repository, backup: BackupSummary, containers: readonly string[], examined: Examined = new Map()): Promise<StoredContainer[]> {
  const known = examined.get(backup.id)
  const { report, isBad } = known ?? (await whileTransferring(reporter, `looking for what is left of backup ${backup.id}`, transfer => inspectRepository({
    repository, backup, level: 'full', share: 1, repairs: false, onTotal: bytes => transfer.expect(bytes), onBytes: bytes => transfer.add(bytes), signal,
  })))
  examined.set(backup.id, { report, isBad })
  const left: StoredContainer[] = []
  for (const container of containers) left.push({ ...(await readLeftOf(repository.blobs, backup, container, isBad)), losses: report.backups.flatMap(({ losses }) => losses) })
  if (known === undefined && report.verdict === 'valid') reporter.note(`nothing of backup ${backup.id} is damaged`)
  return left
}

/** What the documents of a backup say that can be read; whether its data is whole is not looked at. Throws `damaged` when the spec itself is lost. */
export async function readDocumentsLeft({ blobs }: Repository, backup: BackupSummary, containers: readonly string[]): Promise<StoredContainer[]> {
  const left: StoredContainer[] = []
  for (const container of containers) left.push(await readLeftOf(blobs, backup, container, () => false))
  return left
}

async function readLeftOf(blobs: Blobs, backup: BackupSummary, container: string, isBad: NonNullable<StoredMount['isBad']>): Promise<StoredContainer> {
  const { contents, spec } = await readSpec(blobs, backup, container).catch((thrown: unknown) => {
    if (!(thrown instanceof DrayError) || thrown.code !== 'damaged') throw thrown
    throw new DrayError('damaged', `what container backup "${backup.id}" was made of cannot be read any more: ${thrown.message}`, { hints: ['restore an older backup: dray list', `its data may still be there: dray ls ${backup.id}`, 'or by hand: docs/recovery-by-hand.md'], cause: thrown })
  })
  const readUnlessLost = async (id: string): Promise<StoredMount | undefined> => {
    const mount = await readStoredMount(blobs, backup, contents, id).catch((thrown: unknown) => {
      if (!(thrown instanceof DrayError) || thrown.code !== 'damaged') throw thrown
      return undefined
    })
    return mount !== undefined && [...mount.content.chunks, ...mount.content.toc.chunks].some(isBad) ? { ...mount, isBad } : mount
  }
  const mounts: StoredMount[] = []
  const lost = new Map<string, readonly string[]>()
  for (const id of idsOf(spec)) {
    const mount = await readUnlessLost(id)
    if (mount === undefined) lost.set(id, spec.mounts.filter(each => each.id === id).flatMap(({ destinations }) => destinations))
    else mounts.push(mount)
  }
  const dump = spec.dump === undefined ? undefined : await readUnlessLost(spec.dump.mount)
  const leftOut = [...lost.values()].flatMap(destinations => destinations.map(destination => ({ destination, source: 'its data', reason: 'it is damaged and cannot be read at all', canBeAsked: false })))
  return { backup, contents, spec: { ...spec, leftOut: [...spec.leftOut, ...leftOut] }, mounts, ...(dump === undefined ? {} : { dump }), skipsDamaged: true, lost: [...[...lost.values()].map(destinations => `all data at ${destinations.join(', ')}`), ...(spec.dump === undefined || (dump !== undefined && dump.isBad === undefined) ? [] : [`the dump ${container}.dump${dump === undefined ? '' : ', in part'}`])] }
}

/** What to do instead of restoring it. */
export function hintsFor({ id }: Pick<BackupSummary, 'id'>): string[] {
  return ['try an older backup: dray list', `what is lost: dray verify ${id}`, `what is left of it: dray restore ${id} --skip-damaged`]
}

async function readSpec(blobs: Blobs, backup: BackupSummary, container: string): Promise<{ contents: BackupContents; spec: ContainerSpec }> {
  const contents = await readBackup(blobs, backup.descriptor)
  const chosen = chooseContainer(contents.containers, backup, container)
  return { contents, spec: parseContainerSpec(await readContainerSpec(blobs, chosen), backup.id) }
}

async function readStoredMount(blobs: Blobs, backup: BackupSummary, { mounts }: BackupContents, id: string): Promise<StoredMount> {
  const parts = mounts.find(mount => mount.id === id)
  if (parts === undefined) throw new DrayError('damaged', `backup "${backup.id}" lacks the mount "${id}" that its spec names`, { hints: ['try an older backup: dray list'] })
  const { description, content } = await readMount(blobs, parts)
  return { described: fromMountDescription(description), content }
}

function chooseContainer<Container extends { readonly name: string }>(containers: readonly Container[], { id }: BackupSummary, wanted: string): Container {
  const chosen = containers.find(({ name }) => name === wanted)
  if (chosen === undefined) throw new DrayError('not-found', `backup "${id}" holds no container "${wanted}"`, { hints: [`it holds: ${containers.map(({ name }) => name).join(', ')}`] })
  return chosen
}
