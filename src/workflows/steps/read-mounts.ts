import { DrayError } from '../../errors/dray-error.ts'
import type { Engine } from '../../engine/engine.ts'
import type { MountReader, ReaderKind } from '../../mounts/mount-access.ts'
import { openMountReader, type Chosen } from '../../mounts/open-mount.ts'
import type { ChunkStore } from '../../store/chunk-store.ts'
import type { MountContent } from '../../store/mount-manifest.ts'
import type { Repository } from '../../store/repository.ts'
import type { CaptureReport, ContentFacts } from '../mount-content.ts'
import type { Transfer } from '../reporter.ts'
import type { Run, TemporaryJournal } from '../run.ts'
import { captureMount } from './capture-mount.ts'
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

export type OpenMountsJob = { readonly run: Run; readonly engine: Engine; readonly mounts: readonly PlannedMount[]; readonly reader: 'auto' | ReaderKind; readonly base: Base | undefined; readonly temporary: TemporaryJournal }

/** Opens a reader for each mount, and writes dirty pages back. If one fails the others are closed. */
export async function openMounts({ run, engine, mounts, reader, base, temporary }: OpenMountsJob): Promise<OpenMount[]> {
  const open: OpenMount[] = []
  try {
    for (const mount of mounts) {
      const opened = await openMountReader({ engine, target: mount.target, reader, run: run.id, journal: temporary, signal: run.signal })
      open.push({ mount, reader: opened, syncedAt: await opened.sync(run.signal), base: base?.mountOf(mount.target) })
    }
    return open
  } catch (thrown) {
    await closeMounts(open)
    throw thrown
  }
}

export async function closeMounts(open: readonly OpenMount[]): Promise<void> {
  const closed = await Promise.allSettled(open.map(({ reader }) => reader[Symbol.asyncDispose]()))
  const failed = closed.find(each => each.status === 'rejected')
  if (failed) throw failed.reason
}

export type ReadMountsJob = { readonly run: Run; readonly repository: Repository; readonly store: ChunkStore; readonly open: readonly OpenMount[] }

/** Reads every mount, what is unchanged since `since` taken over. Two at a time: one waits for its disk while the other is hashed. */
export async function readMounts({ run, repository, store, open }: ReadMountsJob, since: 'last backup' | readonly CaptureReport[]): Promise<CaptureReport[]> {
  const reports: CaptureReport[] = new Array<CaptureReport>(open.length)
  const waiting = open.map((mount, at) => ({ mount, at })).values()
  const stop = new AbortController()
  const signal = AbortSignal.any([run.signal, stop.signal])
  const work = async (): Promise<void> => {
    for (const { mount, at } of waiting) {
      const first = since === 'last backup' ? undefined : since[at]
      reports[at] = await readMount(run, repository, store, mount, first, signal)
    }
  }
  const workers = Array.from({ length: Math.min(atOnce, open.length) }, work)
  for (const worker of workers) worker.catch(() => stop.abort())
  const ended = await Promise.allSettled(workers)
  const failed = ended.find(each => each.status === 'rejected')
  if (failed) throw run.signal.aborted ? run.signal.reason : failed.reason
  return reports
}

async function readMount(run: Run, repository: Repository, store: ChunkStore, { mount, reader, syncedAt, base }: OpenMount, first: CaptureReport | undefined, signal: AbortSignal): Promise<CaptureReport> {
  const transfer = run.reporter.transfer(first === undefined ? mount.label : `${mount.label}, what has changed`)
  if (first === undefined && base === undefined) void expectAll(reader, transfer, signal)
  const job = { reader, repository, store, syncedAt, transfer, signal }
  try {
    return await captureMount({ ...job, ...(first ?? base ? { base: first ?? base } : {}) } as Parameters<typeof captureMount>[0])
  } catch (thrown) {
    if (first !== undefined || base === undefined || !isBaseBroken(thrown)) throw thrown
    run.reporter.warn(`${mount.label}: the last backup cannot be used to skip what is unchanged (${thrown.message}): everything is read`)
    return await captureMount(job)
  } finally {
    transfer.end()
  }
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
