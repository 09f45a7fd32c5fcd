import type { Engine } from '../../engine/engine.ts'
import type { MountWriter } from '../../mounts/mount-access.ts'
import type { ChunkSource } from '../../store/content-reader.ts'
import type { Repository } from '../../store/repository.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { Filling } from '../../pipeline/journal.ts'
import { describePlace, type MountAction, type MountPlace, type RestoreOptions, type RestorePlan, type StoredContainer, type StoredMount, type WantedMount } from '../restore-plan.ts'
import type { Run, TemporaryJournal } from '../run.ts'
import type { SetAside } from './replace-container.ts'
import { isTemporaryContainer, nameOfSummary } from './running-containers.ts'
import { makeBindPlace, openPlace, requireEmpty, writeMount, type WrittenMount } from './write-mount.ts'

export type MountsJob = { readonly run: Run; readonly engine: Engine; readonly repository: Repository; readonly stored: StoredContainer; readonly plan: RestorePlan; readonly options: RestoreOptions; readonly source: ChunkSource; readonly temporary: TemporaryJournal; readonly aside: SetAside | undefined }

export async function makeNetworks({ run, engine, plan }: Pick<MountsJob, 'run' | 'engine'> & { readonly plan: Pick<RestorePlan, 'networks'> }): Promise<void> {
  for (const network of plan.networks) {
    const entry = await run.journal.record(engine, { did: 'created network', network: network.Name })
    try {
      await engine.networks.create(network, { signal: run.signal })
    } catch (thrown) {
      // Somebody else's of that name is not ours to remove.
      if (thrown instanceof DrayError && thrown.code === 'conflict') await run.journal.settle(entry)
      throw thrown
    }
  }
}

/** Before the container: create by reference would make plain local ones. Those of mounts that are not restored are made empty. */
export async function makeVolumes({ run, engine, plan }: Pick<MountsJob, 'run' | 'engine'> & { readonly plan: { readonly request: Pick<RestorePlan['request'], 'volumes'>; readonly mounts: readonly MountAction<WantedMount>[] } }): Promise<void> {
  const present = new Set((await engine.volumes.list(undefined, { signal: run.signal })).map(({ Name }) => Name))
  for (const volume of plan.request.volumes) {
    if (present.has(volume.Name)) {
      const isTaken = plan.mounts.some(({ place, action }) => action === 'make' && place.kind === 'volume' && place.name === volume.Name)
      if (isTaken) throw new DrayError('conflict', `volume "${volume.Name}" has appeared on the target meanwhile`, { hints: ['run the same command again: it looks at it anew'] })
      continue
    }
    await run.journal.record(engine, { did: 'created volume', volume: volume.Name })
    await engine.volumes.create(volume, { signal: run.signal })
  }
}

/** A new volume that was found empty, and will be written when the container is there. */
export type NewVolume = { readonly action: MountAction; readonly writer: MountWriter }

/**
 * Everything but new volumes. Those are only looked at: creating the container fills some from the image, and has to wait for
 * the disk when much was written just before. What can only be written by the engine's API cannot be emptied again, and is
 * written now.
 */
export async function writeMounts(job: MountsJob): Promise<{ readonly written: readonly WrittenMount[]; readonly empty: readonly NewVolume[] }> {
  const written: WrittenMount[] = []
  const empty: NewVolume[] = []
  for (const action of job.plan.mounts) {
    if (action.action === 'keep' || action.place.kind === 'anonymous') continue
    if (action.action === 'make' && 'path' in action.place) await makeBindPlace(job, action.place)
    const writer = await openPlace({ ...job, reader: job.options.reader }, action.place, undefined)
    await recordWayBack(job, action, writer)
    const isNew = action.action === 'make' && action.place.kind === 'volume'
    if (isNew && writer.kind !== 'api') {
      await requireEmpty(writer, action.place, job.run.signal)
      empty.push({ action, writer })
    } else {
      written.push(await writeMount(job, action.stored, action.place, writer, action.action === 'replace'))
    }
  }
  return { written, empty }
}

/** Lets the journal know the way back. */
async function recordWayBack(job: MountsJob, { place, action, stored }: MountAction, writer: MountWriter): Promise<void> {
  const { run, engine, repository, aside } = job
  if (action !== 'replace' && action !== 'fill') return
  const backup = 'path' in place || 'name' in place ? aside?.holderOf('path' in place ? place.path : place.name) : undefined
  if (backup === undefined && action === 'fill') await recordFilling(job, place, writer, { backup: job.stored.backup.id, repository: repository.path, source: stored.described.source })
  else if (backup === undefined) throw new DrayError('unexpected', `${describePlace(place)} was not set aside before it is replaced`)
  else if (place.kind === 'volume') await run.journal.record(engine, { did: 'replaced volume data', volume: place.name, backup, repository: repository.path })
  else if (place.kind !== 'anonymous') await run.journal.record(engine, { did: 'replaced path', path: place.path, backup, repository: repository.path })
}

/** What is empty has no backup, unless its container is replaced: the way back is to empty it. */
export async function recordFilling({ run, engine }: Pick<MountsJob, 'run' | 'engine'>, place: MountPlace, writer: MountWriter, from: Omit<Filling, 'root'>): Promise<void> {
  const root = writer.canList && place.kind !== 'file' ? await rootOf(writer, run.signal) : undefined
  const filling: Filling = { ...from, ...(root === undefined ? {} : { root }) }
  if (place.kind === 'volume') await run.journal.record(engine, { did: 'filled volume', volume: place.name, ...filling })
  else if (place.kind !== 'anonymous') await run.journal.record(engine, { did: 'filled path', path: place.path, kind: place.kind, ...filling })
}

async function rootOf(writer: MountWriter, signal: AbortSignal): Promise<Filling['root']> {
  for await (const [root] of writer.list(signal)) if (root !== undefined) return { mode: root.mode, uid: root.uid, gid: root.gid, mtime: root.mtime }
  return undefined
}

/** A volume that existed, and that was empty in the backup: create fills such a one from the image. */
function isEmptyVolume({ stored, place, action }: MountAction): boolean {
  return place.kind === 'volume' && action !== 'keep' && stored.described.entries <= 1
}

async function emptyOnceMore(job: MountsJob & { readonly id: string }, stored: StoredMount, place: MountPlace): Promise<WrittenMount | undefined> {
  const writer = await openPlace({ ...job, reader: job.options.reader }, place, job.id)
  if (!(await writer.isEmpty(job.run.signal))) {
    if (writer.kind !== 'api') return await writeMount(job, stored, place, writer, true)
    await writer[Symbol.asyncDispose]()
    return { place, reader: 'api', losses: [], lost: [], problems: ['it was empty in the backup, and the engine filled it from the image'] }
  }
  await writer[Symbol.asyncDispose]()
  return undefined
}

/** What another container has put into a new volume by now is not ours to remove. */
async function requireUnshared(engine: Engine, volume: string, own: readonly string[], signal: AbortSignal): Promise<void> {
  const other = (await engine.containers.list({ volume: [volume] }, { signal })).find(each => !own.includes(each.Id) && !isTemporaryContainer(each))
  if (other !== undefined) throw new DrayError('conflict', `container "${nameOfSummary(other)}" has volume "${volume}" by now`, { hints: ['remove it, or restore into another volume: --map-volume'] })
}

/** New volumes, and those that create made. `together` are the containers of this run. They may have been filled from the image by create, and are emptied first. */
export async function writeNewVolumes(job: MountsJob & { readonly id: string; readonly together: readonly string[]; readonly empty: readonly NewVolume[] }): Promise<WrittenMount[]> {
  const { options, plan, id, empty } = job
  const written: WrittenMount[] = []
  for (const { action: { stored, place }, writer } of empty) {
    if (place.kind === 'volume') await requireUnshared(job.engine, place.name, job.together, job.run.signal)
    written.push(await writeMount(job, stored, place, writer, true))
  }
  for (const { stored, place } of plan.mounts.filter(isEmptyVolume)) {
    if (empty.some(({ action }) => action.stored === stored)) continue
    const again = await emptyOnceMore(job, stored, place)
    if (again !== undefined) written.push(again)
  }
  for (const { stored, place } of plan.mounts.filter(({ place, action }) => place.kind === 'anonymous' && action !== 'keep')) {
    const writer = await openPlace({ ...job, reader: options.reader }, place, id)
    written.push(await writeMount(job, stored, place, writer, true))
  }
  return written
}
