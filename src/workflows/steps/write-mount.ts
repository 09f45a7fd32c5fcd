import { posix } from 'node:path'
import { tellBytes } from '../../archive/tell-bytes.ts'
import type { Engine } from '../../engine/engine.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { firstMissing, makeBindFolder } from '../../mounts/bind-path.ts'
import type { MountTarget, MountWriter, ReaderKind } from '../../mounts/mount-access.ts'
import { openMountWriter } from '../../mounts/open-mount.ts'
import { passContent, type ChunkSource } from '../../store/content-reader.ts'
import { describePlace, isHurt, type MountPlace, type StoredMount } from '../restore-plan.ts'
import { whileTransferring } from '../reporter.ts'
import type { Run, TemporaryJournal } from '../run.ts'
import { asRecorded, checkContent, readEntries } from './check-content.ts'
import { holdMemory } from './hold-memory.ts'
import { salvagedEntries, salvagedTar, type LostEntry } from './salvage-content.ts'

export type WriteMountJob = { readonly run: Run; readonly engine: Engine; readonly source: ChunkSource; readonly reader: 'auto' | ReaderKind; readonly temporary: TemporaryJournal }

export type WrittenMount = { readonly place: MountPlace; readonly reader: ReaderKind; readonly losses: readonly string[]; readonly problems: readonly string[]; readonly lost: readonly LostEntry[] }

/** The mount of the target that a place means now; an anonymous volume by what create made of it. */
export async function targetOf(engine: Engine, place: MountPlace, container: string | undefined, signal: AbortSignal): Promise<MountTarget> {
  if ('path' in place) return { kind: place.kind, path: place.path }
  return await volumeTarget(engine, 'name' in place ? place.name : await anonymousName(engine, place.destination, container, signal), signal)
}

export async function volumeTarget(engine: Engine, name: string, signal: AbortSignal): Promise<MountTarget> {
  const { Mountpoint, Driver } = await engine.volumes.inspect(name, { signal })
  return { kind: 'volume', name, mountpoint: Mountpoint, driver: Driver }
}

async function anonymousName(engine: Engine, destination: string, container: string | undefined, signal: AbortSignal): Promise<string> {
  const mounts = container === undefined ? [] : (await engine.containers.inspect(container, { signal })).Mounts
  const name = mounts.find(mount => mount.Destination === destination)?.Name
  if (name === undefined) throw new DrayError('refused', `the engine made no volume for ${destination}`)
  return name
}

/** The writer of the mount that a place means now; what is memory stays mounted from now on. It makes sure by itself that nothing of it is left on the engine. */
export async function openPlace({ run, engine, reader, temporary }: Omit<WriteMountJob, 'source'>, place: MountPlace, container: string | undefined): Promise<MountWriter> {
  const target = await targetOf(engine, place, container, run.signal)
  if (target.kind === 'volume') await holdMemory({ run, engine, temporary }, [target.name])
  return await openMountWriter({ engine, target, reader, run: run.id, journal: temporary, signal: run.signal })
}

/**
 * Writes a mount's data, and reads back what is there then: every entry is compared with the table of contents. `isEmptied`
 * says that what is there may go; else a mount that is not empty is refused. Closes the writer.
 */
export async function writeMount({ run, source }: Pick<WriteMountJob, 'run' | 'source'>, stored: StoredMount, place: MountPlace, opened: MountWriter, isEmptied: boolean): Promise<WrittenMount> {
  const { signal } = run
  const { described, content } = stored
  const lost: LostEntry[] = []
  await using writer = opened
  return await whileTransferring(run.reporter, described.label, async transfer => {
    if (!isEmptied) await requireEmpty(writer, place, signal)
    else if (!(await writer.isEmpty(signal))) await writer.empty(signal)
    const tar = isHurt(stored) ? salvagedTar(source, stored, entry => lost.push(entry)) : passContent(source, content.chunks)
    return { place, reader: writer.kind, losses: writer.losses, problems: await writeAndCheck(writer, tellBytes(tar, bytes => transfer.add(bytes)), source, stored, signal), lost }
  }, described.tarBytes)
}

export async function requireEmpty(writer: MountWriter, place: MountPlace, signal: AbortSignal): Promise<void> {
  if (await writer.isEmpty(signal)) return
  throw new DrayError('conflict', `${describePlace(place)} is not empty any more`, { hints: ['something writes to it: stop that and run the same command again'] })
}

/** Writes `tar`, the content of the stored mount, into what is empty. Returns what could not be written, and what is not as it is stored. */
export async function writeAndCheck(writer: MountWriter, tar: AsyncIterable<Buffer>, source: ChunkSource, stored: StoredMount, signal: AbortSignal): Promise<string[]> {
  const { problems } = await writer.write(tar, signal)
  const entries = isHurt(stored) ? salvagedEntries(source, stored) : readEntries(source, stored.content)
  const isCompared = writer.canList && entries !== undefined
  const differences = isCompared ? await checkContent(asRecorded(writer, stored.described), entries, stored.content, signal) : []
  return [...problems, ...differences.map(({ path, what }) => `"${path}" ${what}`)]
}

/** Makes the folder of a bind, or of a file the one that holds it; what was made is in the journal. */
export async function makeBindPlace({ run, engine, temporary }: Pick<WriteMountJob, 'run' | 'engine' | 'temporary'>, place: MountPlace & { readonly kind: 'directory' | 'file' }): Promise<void> {
  const options = { engine, run: run.id, journal: temporary, signal: run.signal }
  const missing = await firstMissing({ ...options, path: place.path })
  if (missing !== undefined) await run.journal.record(engine, { did: 'created path', path: missing, bind: place.path })
  const folder = place.kind === 'directory' ? place.path : posix.dirname(place.path)
  await makeBindFolder({ ...options, path: folder })
}
