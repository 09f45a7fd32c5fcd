import { DrayError } from '../../errors/dray-error.ts'
import type { Engine } from '../../engine/engine.ts'
import type { MountReader, ReaderKind } from '../../mounts/mount-access.ts'
import { openMountReader, type Chosen } from '../../mounts/open-mount.ts'
import { BlobsGone, type NewBackup } from '../../store/backup-graph.ts'
import type { ChunkStore } from '../../store/chunk-store.ts'
import type { MountContent } from '../../store/mount-manifest.ts'
import type { Repository } from '../../store/repository.ts'
import type { CaptureReport, ContentFacts } from '../mount-content.ts'
import { describeMount, toMountDescription } from '../mount-description.ts'
import { whileTransferring, type Transfer } from '../reporter.ts'
import type { Run, TemporaryJournal } from '../run.ts'
import { captureMount, type CaptureJob } from './capture-mount.ts'
import type { Base } from './find-base.ts'
import type { PlannedMount } from './plan-mounts.ts'

/** A mount with the reader that was opened for it. */
export type OpenMount = {
  readonly mount: PlannedMount
  readonly reader: MountReader & Chosen & { readonly nested?: readonly Buffer[] }
  /** The engine host's clock from before dirty pages were written back. */
  readonly syncedAt: string
  /** The last backup's, which what is unchanged is taken over from. */
  readonly base: { readonly content: MountContent; readonly facts: ContentFacts } | undefined
}

const atOnce = 2

export type OpenMountsJob = { readonly run: Run; readonly engine: Engine; readonly mounts: readonly PlannedMount[]; readonly reader: 'auto' | ReaderKind; readonly base: Pick<Base, 'mountOf'> | undefined; readonly temporary: TemporaryJournal }

/** Opens a reader for each mount, and writes dirty pages back. If one fails the others are closed. */
export async function openMounts({ run, engine, mounts, reader, base, temporary }: OpenMountsJob): Promise<OpenMount[]> {
  const open: OpenMount[] = []
  const readers: MountReader[] = []
  try {
    for (const mount of mounts) {
      const opened = await openMountReader({ engine, target: mount.target, reader, run: run.id, journal: temporary, signal: run.signal })
      readers.push(opened)
      open.push({ mount, reader: opened, syncedAt: await opened.sync(run.signal), base: base?.mountOf(mount.target) })
    }
    return open
  } catch (thrown) {
    await closeReaders(readers)
    throw thrown
  }
}

export async function closeMounts(open: readonly OpenMount[]): Promise<void> {
  await closeReaders(open.map(({ reader }) => reader))
}

async function closeReaders(readers: readonly MountReader[]): Promise<void> {
  const closed = await Promise.allSettled(readers.map(reader => reader[Symbol.asyncDispose]()))
  const failed = closed.find(each => each.status === 'rejected')
  if (failed) throw failed.reason
}

/** What is written of each mount, beside its data. */
export function storedMounts(open: readonly OpenMount[], reports: readonly CaptureReport[]): NewBackup['mounts'] {
  return open.flatMap(({ mount, reader }, at) => {
    const report = reports[at]
    return report === undefined ? [] : [{ description: toMountDescription(describeMount(mount, reader, report)), content: report.content }]
  })
}

export type ReadMountsJob = { readonly run: Run; readonly repository: Repository; readonly store: ChunkStore; readonly open: readonly OpenMount[] }

/** Reads every mount, what is unchanged since the last backup taken over. Two at a time: one waits for its disk while the other is hashed. */
export async function readMounts(job: ReadMountsJob): Promise<CaptureReport[]> {
  return await readEach(job, (mount, _at, signal) => {
    const storing = readMount(job, mount, signal)
    return { storing, read: storing }
  }).stored
}

/** `read` settles when nothing more is read from the mounts, `stored` when it is all in the repository too. If the reading fails, both reject. */
export type MountsReading = { readonly read: Promise<unknown>; readonly stored: Promise<CaptureReport[]> }

const aheadBytes = 64 * 1024 * 1024
const leastAheadBytes = 4 * 1024 * 1024

/** Reads what has changed since `first`, a little of it into memory: what waits at rest waits for the mounts, not for the repository. */
export function readChanges(job: ReadMountsJob, first: readonly CaptureReport[]): MountsReading {
  const limitBytes = Math.max(leastAheadBytes, Math.floor(aheadBytes / Math.max(1, job.open.length)))
  return readEach(job, (mount, at, signal) => {
    const base = first[at]
    if (base === undefined) throw new RangeError(`mount "${mount.mount.label}" was not read before`)
    let storing: Promise<CaptureReport> | undefined
    const done = new Promise<void>(resolve => {
      storing = captureChanges(job, mount, base, { limitBytes, done: resolve }, signal)
    })
    if (storing === undefined) throw new RangeError('nothing was started')
    return { storing, read: Promise.race([done, storing]) }
  })
}

/** So that readChanges() starts at once. Files with several names are listed once more than others. */
export async function prepareChanges({ run, open }: ReadMountsJob, first: readonly CaptureReport[]): Promise<void> {
  await Promise.all(open.map(async ({ reader }, at) => reader.prepare?.(first[at]?.facts.hardLinks === 0 ? 2 : 3, run.signal)))
}

type Started = { readonly read: Promise<unknown>; readonly storing: Promise<CaptureReport> }

function readEach({ run, open }: ReadMountsJob, start: (mount: OpenMount, at: number, signal: AbortSignal) => Started): MountsReading {
  const storing: Promise<CaptureReport>[] = []
  const waiting = open.entries()
  const stop = new AbortController()
  const signal = AbortSignal.any([run.signal, stop.signal])
  const all = async <T>(promises: readonly Promise<T>[]): Promise<T[]> => {
    const ended = await Promise.allSettled(promises)
    if (stop.signal.aborted) throw run.signal.aborted ? run.signal.reason : stop.signal.reason
    return ended.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []))
  }
  const work = async (): Promise<void> => {
    for (const [at, mount] of waiting) {
      const started = start(mount, at, signal)
      storing[at] = started.storing
      started.storing.catch((thrown: unknown) => stop.abort(thrown))
      await started.read
    }
  }
  const read = all(Array.from({ length: Math.min(atOnce, open.length) }, work))
  const stored = read.catch(() => undefined).then(() => all(storing))
  for (const each of [read, stored]) each.catch(() => undefined)
  return { read, stored }
}

async function captureChanges({ run, repository, store }: ReadMountsJob, { mount, reader, syncedAt }: OpenMount, base: CaptureReport, ahead: NonNullable<CaptureJob['ahead']>, signal: AbortSignal): Promise<CaptureReport> {
  return await whileTransferring(run.reporter, `${mount.label}, what has changed`, async transfer => {
    try {
      return await captureMount({ reader, repository, store, base, syncedAt, transfer, ahead, signal })
    } catch (thrown) {
      if (!isBaseBroken(thrown)) throw thrown
      throw new BlobsGone('damaged', `what the first pass had of ${mount.label} cannot be read any more (${thrown.message})`, { hints: ['run the same command again: it stores what is missing'], cause: thrown })
    }
  })
}

async function readMount({ run, repository, store }: ReadMountsJob, { mount, reader, syncedAt, base }: OpenMount, signal: AbortSignal): Promise<CaptureReport> {
  return await whileTransferring(run.reporter, mount.label, async transfer => {
    if (base === undefined) void expectAll(reader, transfer, signal)
    const job = { reader, repository, store, syncedAt, transfer, signal }
    try {
      return await captureMount({ ...job, ...(base === undefined ? {} : { base }) })
    } catch (thrown) {
      if (base === undefined || !isBaseBroken(thrown)) throw thrown
      run.reporter.warn(`${mount.label}: the last backup cannot be used to skip what is unchanged (${thrown.message}): everything is read`)
      return await captureMount(job)
    }
  })
}

const headerBytes = 1024

/** Where everything is read, a listing beside the reading tells how much is to come. It is only for the progress. */
async function expectAll(reader: MountReader, transfer: Transfer, signal: AbortSignal): Promise<void> {
  if (!reader.canList) return
  let bytes = 0
  try {
    for await (const batch of reader.list(signal)) for (const { type, size } of batch) bytes += headerBytes + (type === 'f' ? size : 0)
    transfer.expect(bytes)
  } catch {
    // The reading itself fails with the same, and says so.
  }
}

function isBaseBroken(thrown: unknown): thrown is DrayError {
  return thrown instanceof DrayError && (thrown.code === 'damaged' || thrown.code === 'not-found')
}
