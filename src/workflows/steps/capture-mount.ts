/**
 * Reads a mount into the repository as one tar with a table of contents. What is known to be unchanged since `base` is taken
 * over without being read; the second, frozen pass and the next night's backup are the same call with another base.
 */
import type { Readable } from 'node:stream'
import { TarScanner } from '../../archive/tar-scanner.ts'
import type { TarEntry } from '../../archive/tar-entry.ts'
import { DrayError, messageOf } from '../../errors/dray-error.ts'
import type { ListedEntry, MountReader, ReadProblem } from '../../mounts/mount-access.ts'
import type { ChunkStore } from '../../store/chunk-store.ts'
import { ContentWriter } from '../../store/content-writer.ts'
import type { MountContent } from '../../store/mount-manifest.ts'
import type { Repository } from '../../store/repository.ts'
import { TocCursor } from '../../store/toc-cursor.ts'
import type { TocEntry } from '../../store/toc-entry.ts'
import { readToc, TocWriter } from '../../store/toc.ts'
import type { CaptureReport, ContentFacts } from '../mount-content.ts'
import type { Transfer } from '../reporter.ts'
import { compareListing, isHardLink } from './compare-listing.ts'
import { HardLinkGroups } from './hard-links.ts'
import { isAsListed, kindOfMember, pathOfMember } from './listed-member.ts'
import { ReadAhead } from './read-ahead.ts'
import { settledBefore } from './unchanged.ts'
import { WorkQueue, type BaseRun } from './work-queue.ts'

/** The data of files this big gets chunks of its own, so that a new mtime in the header does not touch them. */
const ownChunkBytes = 1024 * 1024
const endOfArchive = Buffer.alloc(1024)

export type CaptureJob = {
  readonly reader: MountReader
  readonly repository: Repository
  readonly store: ChunkStore
  readonly base?: { readonly content: MountContent; readonly facts: ContentFacts }
  /** The engine host's clock from before dirty pages were written back for this backup (MountReader.sync). */
  readonly syncedAt?: string
  readonly transfer: Transfer
  /** Then the mount is read as fast as it can be, as much of it held in memory as is said. `done` is called when nothing more is read from it; the rest of the work is in the repository. */
  readonly ahead?: { readonly limitBytes: number; readonly done: () => void }
  readonly signal: AbortSignal
}

export async function captureMount(job: CaptureJob): Promise<CaptureReport> {
  const { reader, base, store, signal } = job
  const toc = reader.canList ? base?.content.toc : undefined
  const capture = new Capture(job, await TocCursor.open(store, toc))
  if (!reader.canList) return await capture.run(undefined, signal)
  const syncedAt = base?.facts.syncedAt
  const links = base !== undefined && base.facts.hardLinks > 0 ? await groupsInBoth(reader, store, base.content, signal) : undefined
  const isSettled = syncedAt === undefined ? () => false : settledBefore(syncedAt)
  const mayBeKept = (listed: ListedEntry): boolean => isSettled(listed) && (listed.type === 'd' || listed.links === 1 || links?.same.has(listed.inode) === true)
  const seen = new HardLinkGroups()
  const isOfOneMoment = (): boolean => links === undefined || links.now.equals(seen)
  const report = await capture.run(compareListing(watched(reader.list(signal), seen), await TocCursor.open(store, toc), mayBeKept, capture.queue), signal, isOfOneMoment)
  if (isOfOneMoment()) return report
  // Names of hard-linked files moved while they were listed: keeping some of a group could leave a link without its file.
  return await captureMount({ ...job, base: { content: base?.content ?? report.content, facts: { ...report.facts, hardLinks: 0, ...(syncedAt === undefined ? {} : { syncedAt }) } } })
}

class Capture {
  readonly queue = new WorkQueue()
  private readonly content: ContentWriter
  private readonly toc: TocWriter
  private readonly known: TocCursor
  /** Where the record of the known entry begins in the base's stream. */
  private knownOffset = 0
  private readonly problems: ReadProblem[] = []
  private readonly job: CaptureJob
  private readBytes = 0
  private keptEntries = 0
  private dataBytes = 0
  private hardLinks = 0

  constructor(job: CaptureJob, known: TocCursor) {
    this.job = job
    this.known = known
    this.content = new ContentWriter(job.store, job.repository.config.chunker, job.base?.content.chunks)
    this.toc = new TocWriter(job.store)
  }

  /** `isValid` is asked when everything is read: whether it will not have to be read once more. */
  async run(paths: AsyncIterable<Buffer[]> | undefined, signal: AbortSignal, isValid = () => true): Promise<CaptureReport> {
    const { tar, problems } = this.job.reader.stream(paths && this.failing(paths), signal)
    problems.catch(() => undefined)
    const operations: Operation[] = []
    const scanner = operationsOf(operations)
    for await (const bytes of this.ahead(tar, isValid)) {
      signal.throwIfAborted()
      scanner.scan(bytes)
      for (const operation of operations) await this.apply(operation, paths !== undefined)
      operations.length = 0
    }
    scanner.end()
    const said = await problems
    if (paths !== undefined) await this.skipTo(undefined, said)
    await this.content.cut()
    await this.content.write(endOfArchive)
    return await this.report(said)
  }

  private ahead(tar: Readable, isValid: () => boolean): AsyncIterable<Buffer> {
    const { ahead } = this.job
    if (ahead === undefined) return tar as AsyncIterable<Buffer>
    const source = new ReadAhead(tar, ahead.limitBytes)
    const tell = (): void => {
      if (isValid()) ahead.done()
    }
    source.ended.then(tell, () => undefined)
    return source
  }

  private async report(said: readonly ReadProblem[]): Promise<CaptureReport> {
    const { reader, syncedAt } = this.job
    const content = { chunks: await this.content.finish(), toc: await this.toc.finish() }
    const facts = { tarBytes: this.content.position, entries: this.toc.entries, dataBytes: this.dataBytes, hardLinks: this.hardLinks, ...(syncedAt === undefined || !reader.canList ? {} : { syncedAt }) }
    return { content, facts, problems: [...said, ...this.problems], readBytes: this.readBytes, keptEntries: this.keptEntries }
  }

  private header: Buffer[] = []
  private listed: ListedEntry | undefined

  private async apply(operation: Operation, isListed: boolean): Promise<void> {
    switch (operation.what) {
      case 'header':
        this.count(operation.bytes)
        this.header.push(operation.bytes)
        break
      case 'bytes':
        this.count(operation.bytes)
        await this.content.write(operation.bytes)
        break
      case 'entry':
        this.listed = isListed ? await this.skipTo(pathOfMember(operation.entry), []) : undefined
        for (const bytes of this.header) await this.content.write(bytes)
        this.header = []
        if (operation.entry.size >= ownChunkBytes) await this.content.cut()
        break
      case 'entry end':
        if (operation.entry.size >= ownChunkBytes) await this.content.cut()
        await this.add(toTocEntry(operation.entry, this.listed))
    }
  }

  private count({ length }: Buffer): void {
    this.readBytes += length
    this.job.transfer.add(length)
  }

  /** Takes over and leaves out what lies before `path` in the queue; entries that tar did not find have vanished. */
  private async skipTo(path: Buffer | undefined, said: readonly ReadProblem[]): Promise<ListedEntry | undefined> {
    for (let item = this.queue.shift(); item !== undefined; item = this.queue.shift()) {
      if (item.kind === 'read') {
        const { entry } = item
        if (path?.equals(entry.path) === true) return entry
        if (!said.some(problem => problem.path.equals(entry.path))) this.problems.push({ path: entry.path, problem: 'vanished', detail: 'was gone when it was to be read' })
        continue
      }
      await this.pass(item)
    }
    if (path !== undefined) throw new DrayError('io-failed', `tar wrote "${path.toString()}", which it was not asked for`)
    return undefined
  }

  private async pass({ kind, count, bytes, dataBytes, hardLinks }: BaseRun): Promise<void> {
    if (kind === 'keep') {
      await this.content.reuse(this.knownOffset, this.knownOffset + bytes)
      this.keptEntries += count
      this.dataBytes += dataBytes
      this.hardLinks += hardLinks
    }
    this.knownOffset += bytes
    for (let left = count; left > 0; left--) {
      if (this.known.isAtEnd) throw new RangeError('the base has fewer entries than were compared')
      const storing = kind === 'keep' ? this.toc.addLine(this.known.line, this.known.path, this.known.recordBytes) : undefined
      if (storing) await storing
      const stepping = this.known.step()
      if (stepping) await stepping
    }
  }

  private async add(entry: TocEntry): Promise<void> {
    if (entry.type === 'f') this.dataBytes += entry.size
    if (isHardLink(entry.type, entry.links)) this.hardLinks++
    await this.toc.add(entry)
  }

  private async *failing(paths: AsyncIterable<Buffer[]>): AsyncGenerator<Buffer[]> {
    try {
      yield* paths
    } catch (error) {
      this.queue.fail(error instanceof Error ? error : new Error(messageOf(error)))
      throw error
    }
  }
}

type Operation = { readonly what: 'header'; readonly bytes: Buffer } | { readonly what: 'bytes'; readonly bytes: Buffer } | { readonly what: 'entry'; readonly entry: TarEntry } | { readonly what: 'entry end'; readonly entry: TarEntry }

/** The scanner calls back while it scans; what it found is carried out afterwards, in order and with back-pressure. */
function operationsOf(operations: Operation[]): TarScanner {
  return new TarScanner({
    onEntry: entry => void operations.push({ what: 'entry', entry }),
    onEntryEnd: entry => void operations.push({ what: 'entry end', entry }),
    onRaw: (bytes, part) => {
      if (part === 'header') operations.push({ what: 'header', bytes })
      else if (part !== 'end') operations.push({ what: 'bytes', bytes })
    },
  })
}

/** ctime and inode only if what tar wrote is what was listed: else the entry changed in between and is read again next time. */
function toTocEntry(entry: TarEntry, listed: ListedEntry | undefined): TocEntry {
  const type = kindOfMember(entry)
  const isSame = listed !== undefined && isAsListed(entry, listed)
  return {
    path: pathOfMember(entry),
    type,
    size: listed && isSame ? listed.size : entry.realSize,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtime: listed && isSame ? listed.mtime : entry.mtime,
    ...(listed && isSame ? { ctime: listed.ctime, inode: listed.inode } : {}),
    ...(listed && listed.links > 1 && listed.type !== 'd' ? { links: listed.links } : {}),
    ...(type === 'l' || type === 'h' ? { target: entry.linkName } : {}),
    bytes: entry.recordEnd - entry.headerStart,
    headerBytes: entry.dataStart - entry.headerStart,
  }
}

async function groupsInBoth(reader: MountReader, store: ChunkStore, content: MountContent, signal: AbortSignal): Promise<{ now: HardLinkGroups; same: ReadonlySet<string> }> {
  const now = new HardLinkGroups()
  for await (const batch of reader.list(signal)) now.addListed(batch)
  const before = new HardLinkGroups()
  for await (const batch of readToc(store, content.toc)) before.addKnown(batch)
  return { now, same: now.sameAs(before) }
}

async function* watched(listing: AsyncIterable<readonly ListedEntry[]>, groups: HardLinkGroups): AsyncGenerator<readonly ListedEntry[]> {
  for await (const batch of listing) {
    groups.addListed(batch)
    yield batch
  }
}
