import type { Engine } from '../../engine/engine.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { removeBindPath } from '../../mounts/bind-path.ts'
import type { MountTarget } from '../../mounts/mount-access.ts'
import { openMountWriter } from '../../mounts/open-mount.ts'
import { readBackup, readMount } from '../../store/backup-graph.ts'
import { findBackup } from '../../store/backup-list.ts'
import { ChunkReader } from '../../store/chunk-reader.ts'
import { openContent } from '../../store/content-reader.ts'
import { openRepository, type Repository } from '../../store/repository.ts'
import { fromMountDescription } from '../mount-description.ts'
import type { JournalEntry } from '../../pipeline/journal.ts'
import type { DataRestorer } from '../put-right.ts'
import type { StoredMount } from '../restore-plan.ts'
import { checkContent } from './check-content.ts'

/** A path that appeared longer than this after its entry is not what the entry meant. Clocks of two machines may differ. */
const longestMakingMs = 60 * 60 * 1000

/**
 * Puts replaced data back from the backup that was made of it before, and removes paths that were made. What is written is
 * read back and compared. For a run's own way back and for `dray clean`: it needs the repository to be where it was.
 */
export function restoreData(run: { readonly id: string }): DataRestorer {
  return async (entry, engine) => {
    if (entry.did === 'created path') {
      await removeBindPath({ engine, path: entry.path, bornBefore: new Date(Date.parse(entry.at) + longestMakingMs), run: run.id, signal: new AbortController().signal })
      return
    }
    if (entry.did === 'filled volume' || entry.did === 'filled path') {
      await emptyAgain(engine, entry, run.id)
      return
    }
    const { backup, repository: path } = entry
    if (backup === undefined || path === undefined) throw new DrayError('not-found', 'the journal names no backup of what was replaced')
    await using repository = await openRepository(path, { create: false })
    await using lock = await repository.lock('shared', { command: 'putting replaced data back', waitMs: 60_000 })
    const source = 'path' in entry ? entry.path : entry.volume
    const target = 'path' in entry ? undefined : await volumeTarget(engine, entry.volume)
    const stored = await findMount(repository, backup, source)
    await writeBack(engine, repository, stored, target ?? { kind: stored.described.kind === 'file' ? 'file' : 'directory', path: source }, run.id)
    if (!(await lock.isHeld())) throw new DrayError('locked', `the lock of the repository "${path}" was taken away`)
  }
}

/** A volume that is gone is empty enough. One that a running container has is not touched: `conflict`. */
async function emptyAgain(engine: Engine, entry: Extract<JournalEntry, { did: 'filled volume' | 'filled path' }>, run: string): Promise<void> {
  const { signal } = new AbortController()
  if (entry.did === 'filled volume') {
    if (!(await engine.volumes.list(undefined, { signal })).some(({ Name }) => Name === entry.volume)) return
    const [user] = await engine.containers.list({ volume: [entry.volume], status: ['running', 'paused', 'restarting'] }, { signal })
    if (user !== undefined) throw new DrayError('conflict', `container "${(user.Names[0] ?? user.Id).replace(/^\//, '')}" runs with it: it is not emptied`, { hints: ['if what is in it is wanted: dray clean --forget RUN'] })
  }
  const target: MountTarget = entry.did === 'filled volume' ? await volumeTarget(engine, entry.volume) : { kind: entry.kind, path: entry.path }
  await using writer = await openMountWriter({ engine, target, reader: 'auto', run, signal })
  if (!(await writer.isEmpty(signal))) await writer.empty(signal)
}

async function volumeTarget(engine: Engine, name: string): Promise<MountTarget> {
  const { Mountpoint, Driver } = await engine.volumes.inspect(name)
  return { kind: 'volume', name, mountpoint: Mountpoint, driver: Driver }
}

async function findMount(repository: Repository, backup: string, source: string): Promise<StoredMount> {
  const { mounts } = await readBackup(repository.blobs, (await findBackup(repository, backup)).descriptor)
  for (const parts of mounts) {
    const { description, content } = await readMount(repository.blobs, parts)
    const described = fromMountDescription(description)
    if (described.source === source) return { described, content }
  }
  throw new DrayError('not-found', `backup "${backup}" does not hold "${source}"`)
}

async function writeBack(engine: Engine, { blobs }: Repository, { content }: StoredMount, target: MountTarget, run: string): Promise<void> {
  const { signal } = new AbortController()
  const source = new ChunkReader(blobs)
  await using writer = await openMountWriter({ engine, target, reader: 'auto', run, signal })
  if (!(await writer.isEmpty(signal))) await writer.empty(signal)
  const { problems } = await writer.write(openContent(source, content.chunks), signal)
  const differences = writer.canList ? await checkContent(writer, source, content, signal) : []
  const problem = problems[0] ?? (differences[0] && `"${differences[0].path}" ${differences[0].what}`)
  if (problem !== undefined) throw new DrayError('io-failed', `the replaced data is back, but for: ${problem}`)
}
