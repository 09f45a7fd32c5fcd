import { Readable } from 'node:stream'
import { rootArchive } from '../../archive/pax-header.ts'
import type { Engine } from '../../engine/engine.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { assertHeld } from '../../files/owner-lock.ts'
import { removeBindPath } from '../../mounts/bind-path.ts'
import type { MountTarget, MountWriter } from '../../mounts/mount-access.ts'
import { openMountWriter } from '../../mounts/open-mount.ts'
import { readBackup, readMount } from '../../store/backup-graph.ts'
import { findBackup } from '../../store/backup-list.ts'
import { ChunkReader } from '../../store/chunk-reader.ts'
import { passContent } from '../../store/content-reader.ts'
import { openRepository, type Repository } from '../../store/repository.ts'
import { fromMountDescription } from '../mount-description.ts'
import type { JournalEntry } from '../../pipeline/journal.ts'
import { longestMakingMs, type DataRestorer } from '../put-right.ts'
import type { StoredMount } from '../restore-plan.ts'
import { asRecorded, findForeign, readEntries } from './check-content.ts'
import { inspectRunning, isTemporaryContainer, nameOfSummary, usersOfPath, usersOfVolume } from './running-containers.ts'
import { volumeTarget, writeAndCheck } from './write-mount.ts'

/**
 * Puts replaced data back from the backup that was made of it before, and removes paths that were made. What is written is
 * read back and compared. It needs the repository to be where it was. `isLater`: not a run's own way back, but `dray clean` or
 * the next run; in what was filled there may be things of the user's by then, which are not removed.
 */
export function restoreData(run: { readonly id: string }, { isLater = false } = {}): DataRestorer {
  return async (entry, engine) => {
    const { signal } = new AbortController()
    if (entry.did === 'created path') {
      await removeBindPath({ engine, path: entry.bind ?? entry.path, top: entry.path, bornBefore: new Date(Date.parse(entry.at) + longestMakingMs), run: run.id, signal })
      return
    }
    if (entry.did === 'filled volume' || entry.did === 'filled path') {
      await emptyAgain(engine, entry, run.id, isLater, signal)
      return
    }
    const { backup, repository: path } = entry
    if (backup === undefined || path === undefined) throw new DrayError('not-found', 'the journal names no backup of what was replaced')
    await using repository = await openRepository(path, { create: false })
    await using lock = await repository.lock('shared', { command: 'putting replaced data back', waitMs: 60_000 })
    const source = 'path' in entry ? entry.path : entry.volume
    await requireUnused(engine, entry, signal)
    const stored = await findMount(repository, backup, source)
    const target: MountTarget = 'path' in entry ? { kind: stored.described.kind === 'file' ? 'file' : 'directory', path: source } : await volumeTarget(engine, entry.volume, signal)
    await writeBack(engine, repository, stored, target, run.id, signal)
    await assertHeld(lock, `the repository "${path}"`)
  }
}

type Filled = Extract<JournalEntry, { did: 'filled volume' | 'filled path' }>

/** A volume that is gone is empty enough. One that a running container has is not touched: `conflict`. */
async function emptyAgain(engine: Engine, entry: Filled, run: string, isLater: boolean, signal: AbortSignal): Promise<void> {
  if (entry.did === 'filled volume') {
    if (!(await engine.volumes.list(undefined, { signal })).some(({ Name }) => Name === entry.volume)) return
    const later = (await engine.containers.list({ volume: [entry.volume] }, { signal })).find(each => each.Created * 1000 > Date.parse(entry.at) && !isTemporaryContainer(each))
    if (later !== undefined) throw inUse(nameOfSummary(later), 'has it since then')
  }
  await requireUnused(engine, entry, signal)
  const target: MountTarget = entry.did === 'filled volume' ? await volumeTarget(engine, entry.volume, signal) : { kind: entry.kind, path: entry.path }
  await using writer = await openMountWriter({ engine, target, reader: 'auto', run, signal })
  if (!(await writer.isEmpty(signal))) {
    if (isLater && writer.canList) await requireOnlyRestored(entry, writer, signal)
    await writer.empty(signal)
  }
  if (entry.root !== undefined) await writer.write(Readable.from([rootArchive(entry.root)]), signal)
}

async function requireOnlyRestored({ backup, repository: path, source, ...entry }: Filled, writer: MountWriter, signal: AbortSignal): Promise<void> {
  if (backup === undefined || path === undefined || source === undefined) return
  await using repository = await openRepository(path, { create: false })
  const stored = await findMount(repository, backup, source)
  const foreign = await findForeign(asRecorded(writer, stored.described), readEntries(new ChunkReader(repository.blobs), stored.content), stored.content, signal)
  if (foreign === undefined) return
  const place = entry.did === 'filled volume' ? `volume "${entry.volume}"` : `"${entry.path}"`
  throw new DrayError('conflict', `${place} holds "${foreign}", which the restore did not write: it is left as it is`, { hints: ['move that away and run: dray clean', 'if what is there now is wanted: dray clean --forget RUN'] })
}

/** Data is never exchanged under a program that runs. */
async function requireUnused(engine: Engine, entry: { readonly volume: string } | { readonly path: string }, signal: AbortSignal): Promise<void> {
  const running = await inspectRunning(engine, [], signal)
  const [user] = 'path' in entry ? usersOfPath(running, entry.path) : usersOfVolume(running, entry.volume)
  if (user !== undefined) throw inUse(user, 'runs with it')
}

function inUse(container: string, how: string): DrayError {
  return new DrayError('conflict', `container "${container}" ${how}: it is left as it is`, { hints: ['stop or remove that container and run: dray clean', 'if what is there now is wanted: dray clean --forget RUN'] })
}

async function findMount(repository: Repository, backup: string, source: string): Promise<StoredMount> {
  const { mounts } = await readBackup(repository.blobs, (await findBackup(repository, backup)).descriptor)
  for (const parts of mounts) {
    const { description, content } = await readMount(repository.blobs, parts)
    const described = fromMountDescription(description)
    if (described.kind !== 'dump' && described.source === source) return { described, content }
  }
  throw new DrayError('not-found', `backup "${backup}" does not hold "${source}"`)
}

async function writeBack(engine: Engine, { blobs }: Repository, stored: StoredMount, target: MountTarget, run: string, signal: AbortSignal): Promise<void> {
  const source = new ChunkReader(blobs)
  await using writer = await openMountWriter({ engine, target, reader: 'auto', run, signal })
  if (!(await writer.isEmpty(signal))) await writer.empty(signal)
  const [problem] = await writeAndCheck(writer, passContent(source, stored.content.chunks), source, stored, signal)
  if (problem !== undefined) throw new DrayError('io-failed', `the replaced data is back, but for: ${problem}`)
}
