import type { Engine } from '../../engine/engine.ts'
import { unlessMissing } from '../../engine/unless-missing.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { OwnerLock } from '../../files/owner-lock.ts'
import type { ReaderKind } from '../../mounts/mount-access.ts'
import { ChunkReader } from '../../store/chunk-reader.ts'
import type { Repository } from '../../store/repository.ts'
import { isTemporary, putAllRight } from '../put-right.ts'
import type { Run, TemporaryJournal } from '../run.ts'
import { replacedTag } from '../steps/choose-backup.ts'
import { restoreData } from '../steps/restore-data.ts'
import { recordFilling } from '../steps/restore-mounts.ts'
import { inspectRunning, usersOfVolume } from '../steps/running-containers.ts'
import { openPlace, writeMount, type WrittenMount } from '../steps/write-mount.ts'
import { backUpVolume, type StoredVolume } from './back-up-volume.ts'

export type VolumeRestoreJob = {
  readonly run: Run
  readonly engine: Engine
  readonly repository: Repository
  readonly lock: OwnerLock
  readonly stored: StoredVolume
  /** The volume that gets the data. */
  readonly name: string
  /** What is in it is backed up first, and then replaced. */
  readonly replace: boolean
  readonly reader: 'auto' | ReaderKind
  readonly temporary: TemporaryJournal
}

export type VolumeRestored = { readonly written: WrittenMount; /** The backup of what was replaced. */ readonly replacedIn: string | undefined }

/** Makes or fills the volume, reads it back and compares. When it fails, all is as it was. `conflict` for one that is not empty, or that a running container has. */
export async function restoreVolume(job: VolumeRestoreJob): Promise<VolumeRestored> {
  const { run, engine } = job
  try {
    const restored = await write(job)
    await run.journal.settle(...run.journal.open().filter(entry => !isTemporary(entry, run.id)))
    return restored
  } catch (thrown) {
    await putAllRight(engine, run, run.journal.open(), restoreData(run))
    throw thrown
  }
}

async function write(job: VolumeRestoreJob): Promise<VolumeRestored> {
  const { run, engine, repository, stored, name, replace } = job
  const { signal } = run
  const place = { kind: 'volume', name } as const
  const there = await unlessMissing(engine.volumes.inspect(name, { signal }))
  const [user] = usersOfVolume(await inspectRunning(engine, [], signal), name)
  if (user !== undefined) throw new DrayError('conflict', `container "${user}" runs with volume "${name}"`, { hints: ['stop it first', 'restore into another volume: --name NEW'] })
  if (there === undefined) {
    const { driver, options = {}, labels = {} } = stored.described
    await run.journal.record(engine, { did: 'created volume', volume: name })
    await engine.volumes.create({ Name: name, ...(driver === undefined ? {} : { Driver: driver }), DriverOpts: options, Labels: labels }, { signal })
  }
  const writer = await openPlace(job, place, undefined)
  let replacedIn: string | undefined
  try {
    if (there !== undefined) {
      if (await writer.isEmpty(signal)) await recordFilling(job, place, writer, { backup: stored.backup.id, repository: repository.path, source: stored.described.source })
      else if (!replace) throw new DrayError('conflict', `volume "${name}" is not empty`, { hints: ['replace what is in it, which is backed up first: --replace', 'restore into another volume: --name NEW'] })
      else {
        replacedIn = (await backUpVolume({ ...job, volume: name, consistency: 'none', tags: [replacedTag] })).backup.id
        run.reporter.note(`what is replaced is in backup ${replacedIn}`)
        await run.journal.record(engine, { did: 'replaced volume data', volume: name, backup: replacedIn, repository: repository.path })
      }
    }
  } catch (thrown) {
    await writer[Symbol.asyncDispose]()
    throw thrown
  }
  const mount = { described: stored.described, content: stored.content }
  const written = await writeMount({ run, source: new ChunkReader(repository.blobs) }, mount, place, writer, replacedIn !== undefined)
  const [problem] = written.problems
  if (problem !== undefined) run.reporter.warn(`volume "${name}": ${problem}`)
  return { written, replacedIn }
}
