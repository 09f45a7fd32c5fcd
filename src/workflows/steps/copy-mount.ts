/**
 * Copies a mount from one engine to another, straight from reader to writer: once while its containers run, and then what has
 * changed while they rest. Each pass lists the source first and sends what is not known to be unchanged since the last one; files
 * that changed are sent whole. The listing of the last pass is kept compressed in memory, less than 40 bytes an entry: it
 * needs no file.
 */
import { DrayError } from '../../errors/dray-error.ts'
import type { Engine } from '../../engine/engine.ts'
import { describeTarget } from '../../mounts/engine-mount.ts'
import type { MountChange, MountReader, MountTarget, MountWriter, ReaderKind, ReadProblem, WriteReport } from '../../mounts/mount-access.ts'
import { openMountReader, openMountWriter } from '../../mounts/open-mount.ts'
import { PackedRecords } from '../../archive/packed-records.ts'
import { whileTransferring, type Transfer } from '../reporter.ts'
import type { Run, TemporaryJournal } from '../run.ts'
import { compareMounts } from './compare-mounts.ts'
import { FlushBehind } from './flush-behind.ts'
import { findChanges, type CopiedListing, type ListingChanges } from './listing-changes.ts'
import { PackedListing } from './packed-listing.ts'
import { sendEntries, type AskedEntry, type SentEntries } from './send-entries.ts'

export type CopyMountJob = {
  readonly run: Run
  readonly source: Engine
  readonly target: Engine
  readonly from: MountTarget
  readonly to: MountTarget
  /** For progress and messages. */
  readonly label: string
  readonly reader: 'auto' | ReaderKind
  readonly sourceJournal: TemporaryJournal
  readonly targetJournal: TemporaryJournal
}

export type CopyReport = {
  /** Of the mount. */
  readonly entries: number
  readonly sentEntries: number
  /** Of tar. */
  readonly sentBytes: number
  /** The topmost ones: what was below them is not counted. */
  readonly removedEntries: number
  readonly problems: readonly ReadProblem[]
  /** What this way cannot keep, mounts inside that were not crossed, and what the target did not take, in words. */
  readonly losses: readonly string[]
  readonly reader: ReaderKind
  readonly writer: ReaderKind
}

export interface MountCopy extends AsyncDisposable {
  readonly reader: ReaderKind
  readonly writer: ReaderKind
  /**
   * Copies while the source is in use, into a target that must be empty: `conflict` otherwise. May be called again, to have less
   * to do in the end. What vanished or changed meanwhile is no problem yet. Where either side has only the engine's archive
   * endpoints nothing is done: finish() then copies everything.
   */
  precopy(signal: AbortSignal): Promise<CopyReport>
  /**
   * While the source rests: makes the target what the source is. Without a pre-copy the target must be empty. After a pass that
   * failed the target is emptied, and everything is sent.
   */
  finish(signal: AbortSignal): Promise<CopyReport>
  /**
   * What differs between the two sides, in words; nothing when they are equal. Names, kinds, sizes, modes, owners, times, links,
   * device numbers and extended attributes are compared, with `content` the sha256 of every file too, made where it lies. The
   * engine's archive endpoints can neither list nor compare: that is a difference.
   */
  compare(options: { readonly content: boolean }, signal: AbortSignal): Promise<readonly string[]>
  /** So that finish() starts at once: programs, where starting one takes its time, and what lies unwritten on the target, which an engine that syncs a file would wait for. */
  prepare(signal: AbortSignal): Promise<void>
}

/** Opens a reader and a writer, each the best way that is possible. Closing ends their processes and removes their containers. */
export async function openMountCopy(job: CopyMountJob): Promise<MountCopy> {
  const { run, source, target, from, to, reader: way, sourceJournal, targetJournal } = job
  if ((from.kind === 'file') !== (to.kind === 'file')) throw new DrayError('conflict', `${describeTarget(from)} cannot be copied to ${describeTarget(to)}: one is a single file`)
  const common = { reader: way, run: run.id, signal: run.signal }
  const [reader, writer] = await Promise.allSettled([
    openMountReader({ ...common, engine: source, target: from, journal: sourceJournal }),
    openMountWriter({ ...common, engine: target, target: to, journal: targetJournal }),
  ])
  if (reader.status === 'fulfilled' && writer.status === 'fulfilled') return new Copy(job, reader.value, writer.value)
  for (const each of [reader, writer]) if (each.status === 'fulfilled') await each.value[Symbol.asyncDispose]()
  throw reader.status === 'rejected' ? reader.reason : (writer as PromiseRejectedResult).reason
}

const nothing: CopiedListing = { listing: new PackedListing(), syncedAt: '0.000000000', missing: new Set(), changed: new Set() }

const nothingSent: SentEntries = { entries: 0, bytes: 0, problems: [], notWritten: [], missing: new Set(), changed: new Set(), xattrs: new Map() }

function changesAnything({ send, touched, removed }: ListingChanges): boolean {
  return send.entries + touched.length + removed.records > 0
}

class Copy implements MountCopy {
  private readonly job: CopyMountJob
  private readonly from: MountReader & { readonly nested?: readonly Buffer[] }
  private readonly to: MountWriter
  /** What is in the target: nothing of ours, what the last pass left, or what a failed pass left. */
  private state: CopiedListing | 'untouched' | 'unknown' = 'untouched'
  private xattrs = new Map<string, readonly string[]>()
  private readonly notWritten = new Set<string>()

  constructor(job: CopyMountJob, from: MountReader, to: MountWriter) {
    this.job = job
    this.from = from
    this.to = to
  }

  get reader(): ReaderKind {
    return this.from.kind
  }

  get writer(): ReaderKind {
    return this.to.kind
  }

  async precopy(signal: AbortSignal): Promise<CopyReport> {
    if (!this.canCompare()) return this.report({ entries: 0, sent: undefined, removed: 0, problems: [] })
    const syncedAt = await this.from.sync(signal)
    const { report, sent } = await this.pass(this.job.label, syncedAt, signal)
    return { ...report, problems: sent.problems.filter(({ problem }) => problem === 'unreadable') }
  }

  async finish(signal: AbortSignal): Promise<CopyReport> {
    if (!this.canCompare()) return await this.sendAll(signal)
    const before = typeof this.state === 'string' ? undefined : this.state
    const label = before === undefined ? this.job.label : `${this.job.label}, what has changed`
    return (await this.pass(label, before?.syncedAt ?? '0.000000000', signal)).report
  }

  async compare({ content }: { readonly content: boolean }, signal: AbortSignal): Promise<readonly string[]> {
    const { readBack } = this.to
    if (!this.canCompare() || readBack === undefined) return ['nothing could be compared: there are only the engine\'s archive endpoints, which cannot list']
    return await compareMounts({ source: this.from, target: readBack, isFile: this.job.from.kind === 'file', content, signal })
  }

  async prepare(signal: AbortSignal): Promise<void> {
    await this.to.readBack?.sync(signal)
    await Promise.all([this.from.prepare?.(2, signal), this.to.prepare?.(1, signal)])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = await Promise.allSettled([this.from[Symbol.asyncDispose](), this.to[Symbol.asyncDispose]()])
    const failed = closed.find(each => each.status === 'rejected')
    if (failed) throw failed.reason
  }

  private canCompare(): boolean {
    return this.from.canList && this.to.canList
  }

  private async pass(label: string, syncedAt: string, signal: AbortSignal): Promise<{ readonly report: CopyReport; readonly sent: SentEntries }> {
    const base = await this.beginPass(signal)
    const isFirst = base.listing.entries === 0
    return await whileTransferring(this.job.run.reporter, label, async transfer => {
      const finding = findChanges(base, this.from.list(signal))
      finding.catch(() => undefined)
      const changes = await finding
      const sent = isFirst || changesAnything(changes) ? await this.sendChanges(finding, isFirst, transfer, signal) : nothingSent
      this.state = { listing: changes.now, syncedAt, missing: sent.missing, changed: sent.changed }
      const vanished = [...sent.missing].map(path => ({ path: Buffer.from(path, 'latin1'), problem: 'vanished' as const, detail: 'was gone when it was to be read' }))
      const problems = [...sent.problems, ...vanished.filter(({ path }) => !sent.problems.some(each => each.path.equals(path)))]
      return { sent, report: this.report({ entries: changes.now.entries, sent, removed: changes.removed.records, problems }) }
    })
  }

  /** What the pass may build upon. Until it has ended well, what is in the target is not known. */
  private async beginPass(signal: AbortSignal): Promise<CopiedListing> {
    const { state } = this
    if (state === 'untouched') await this.requireEmpty(signal)
    if (state === 'unknown') await this.to.empty(signal)
    this.state = 'unknown'
    return typeof state === 'string' ? nothing : state
  }

  private async requireEmpty(signal: AbortSignal): Promise<void> {
    if (await this.to.isEmpty(signal)) return
    throw new DrayError('conflict', `${describeTarget(this.job.to)} of the target is not empty`, { hints: ['empty or remove it, or choose another one with --map-volume or --map-bind'] })
  }

  private async sendChanges(finding: Promise<ListingChanges>, isFirst: boolean, transfer: Transfer, signal: AbortSignal): Promise<SentEntries> {
    const { from, to } = this
    async function* entries(): AsyncGenerator<readonly AskedEntry[]> {
      const { send, touched } = await finding
      transfer.expect(send.dataBytes + (send.entries + touched.length) * headerBytes)
      for (const batch of send.batches()) yield batch.map(listed => ({ path: listed.path, listed }))
      yield touched.map(path => ({ path }))
    }
    const write = (tar: AsyncIterable<Buffer>): Promise<WriteReport> => (isFirst ? to.write(tar, signal) : change(to, { paths: finding, tar }, signal))
    const behind = new FlushBehind(async () => to.readBack?.sync(signal))
    const onSent = (bytes: number): void => {
      transfer.add(bytes)
      behind.wrote(bytes)
    }
    const sent = await sendEntries({ reader: from, entries: entries(), write, onSent, signal })
    await behind.end()
    const { directories } = await finding
    for (const problem of sent.notWritten) this.notWritten.add(problem)
    await this.renewThoseThatLost(directories, sent, transfer, signal)
    for (const [path, names] of sent.xattrs) this.xattrs.set(path, names)
    return sent
  }

  /** tar gives a directory that exists further extended attributes, and takes none away. */
  private async renewThoseThatLost(directories: PackedRecords, sent: SentEntries, transfer: Transfer, signal: AbortSignal): Promise<void> {
    if (this.xattrs.size === 0) return
    const renewed = new PackedRecords()
    const again = new Map<string, Buffer>()
    let ofRoot: readonly string[] = []
    for (const paths of directories.batches()) {
      for (const path of paths) {
        const name = path.toString('latin1')
        const lost = (this.xattrs.get(name) ?? []).filter(each => sent.xattrs.get(name)?.includes(each) !== true)
        if (lost.length === 0) continue
        if (name === '.') ofRoot = lost
        else renewed.add(path)
        this.xattrs.delete(name)
        for (const each of [name, name.slice(0, Math.max(1, name.lastIndexOf('/')))]) again.set(each, Buffer.from(each, 'latin1'))
      }
    }
    if (again.size === 0) return
    const { to } = this
    if (to.renew === undefined) throw new RangeError('a writer that can change can renew')
    for (const problem of (await to.renew(renewed, ofRoot, signal)).problems) this.notWritten.add(problem)
    const list = new PackedRecords()
    for (const path of again.values()) list.add(path)
    const paths = Promise.resolve({ directories: list, removed: new PackedRecords() })
    await sendEntries({ reader: this.from, entries: only([...again.values()]), write: tar => change(to, { paths, tar }, signal), onSent: bytes => transfer.add(bytes), signal })
  }

  /** Where either side cannot list. */
  private async sendAll(signal: AbortSignal): Promise<CopyReport> {
    const { from, to } = this
    await this.beginPass(signal)
    return await whileTransferring(this.job.run.reporter, this.job.label, async transfer => {
      const sent = await sendEntries({ reader: from, entries: undefined, write: tar => to.write(tar, signal), onSent: bytes => transfer.add(bytes), signal })
      for (const problem of sent.notWritten) this.notWritten.add(problem)
      return this.report({ entries: sent.entries, sent, removed: 0, problems: sent.problems })
    })
  }

  private report({ entries, sent, removed, problems }: { readonly entries: number; readonly sent: SentEntries | undefined; readonly removed: number; readonly problems: readonly ReadProblem[] }): CopyReport {
    const nested = [...new Set((this.from.nested ?? []).map(String))].map(path => `"${path}" is mounted inside it, and was not copied`)
    const losses = [...new Set([...this.from.losses, ...this.to.losses, ...nested, ...this.notWritten])]
    return { entries, sentEntries: sent?.entries ?? 0, sentBytes: sent?.bytes ?? 0, removedEntries: removed, problems, losses, reader: this.reader, writer: this.writer }
  }
}

const headerBytes = 1024

async function* only(paths: readonly Buffer[]): AsyncGenerator<readonly AskedEntry[]> {
  yield await Promise.resolve(paths.map(path => ({ path })))
}

async function change(to: MountWriter, what: MountChange, signal: AbortSignal): Promise<WriteReport> {
  if (to.change === undefined) throw new RangeError('a writer that can list can change')
  return await to.change(what, signal)
}
