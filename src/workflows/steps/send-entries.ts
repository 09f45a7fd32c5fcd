/** Streams entries from a reader to a writer, and sees in passing what became of each: nothing is kept, on no disk. */
import type { TarEntry } from '../../archive/tar-entry.ts'
import { TarScanner } from '../../archive/tar-scanner.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { ListedEntry, MountReader, ReadProblem, WriteReport } from '../../mounts/mount-access.ts'
import { isAsListed, kindOfMember, pathOfMember } from './listed-member.ts'

/** Without a listing it is sent whatever it is by now. */
export type AskedEntry = { readonly path: Buffer; readonly listed?: ListedEntry }

export type SendJob = {
  readonly reader: MountReader
  /** In the order in which they are to be sent; the programs start before they are known. Undefined: everything, from a reader that cannot list. */
  readonly entries: AsyncIterable<readonly AskedEntry[]> | undefined
  readonly write: (tar: AsyncIterable<Buffer>) => Promise<WriteReport>
  readonly onSent: (bytes: number) => void
  readonly signal: AbortSignal
}

export type SentEntries = {
  readonly entries: number
  readonly bytes: number
  readonly problems: readonly ReadProblem[]
  readonly notWritten: readonly string[]
  /** Paths in latin1: not sent, or as another kind of entry. */
  readonly missing: Set<string>
  /** Sent, but not as they were listed. */
  readonly changed: Set<string>
  /** Names of the extended attributes of directories that have any, ACLs apart. */
  readonly xattrs: ReadonlyMap<string, readonly string[]>
}

export async function sendEntries(job: SendJob): Promise<SentEntries> {
  return await new Sending(job).run()
}

const batchPaths = 500

class Sending {
  private readonly job: SendJob
  private readonly missing = new Set<string>()
  private readonly changed = new Set<string>()
  private readonly xattrs = new Map<string, readonly string[]>()
  /** Asked for, and not yet seen. */
  private asked: AskedEntry[] = []
  private next = 0
  private entries = 0
  private bytes = 0

  constructor(job: SendJob) {
    this.job = job
  }

  async run(): Promise<SentEntries> {
    const { reader, entries, write, signal } = this.job
    const own = new AbortController()
    const { tar, problems } = reader.stream(entries === undefined ? undefined : this.paths(entries), AbortSignal.any([signal, own.signal]))
    try {
      const { problems: notWritten } = await write(this.watched(tar as AsyncIterable<Buffer>))
      const said = await problems
      for (let item = this.shift(); item !== undefined; item = this.shift()) this.miss(item)
      for (const { path } of said) this.changed.add(path.toString('latin1'))
      return { entries: this.entries, bytes: this.bytes, problems: said, notWritten, missing: this.missing, changed: this.changed, xattrs: this.xattrs }
    } catch (thrown) {
      own.abort(thrown)
      tar.destroy()
      await problems.catch(() => undefined)
      throw thrown
    }
  }

  private async *paths(entries: AsyncIterable<readonly AskedEntry[]>): AsyncGenerator<Buffer[]> {
    for await (const batch of entries) {
      for (let at = 0; at < batch.length; at += batchPaths) {
        const part = batch.slice(at, at + batchPaths)
        this.asked.push(...part)
        yield part.map(({ path }) => path)
      }
    }
  }

  private async *watched(tar: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const scanner = new TarScanner({ onEntry: entry => this.see(entry) })
    for await (const bytes of tar) {
      scanner.scan(bytes)
      yield bytes
      this.bytes += bytes.length
      this.job.onSent(bytes.length)
    }
    scanner.end()
  }

  private see(entry: TarEntry): void {
    this.entries++
    const path = pathOfMember(entry)
    const name = path.toString('latin1')
    const kind = kindOfMember(entry)
    if (kind === 'd') {
      const names = [...entry.paxRecords.keys()].filter(key => key.startsWith(xattrPrefix) && !key.startsWith(aclPrefix)).map(key => key.slice(xattrPrefix.length))
      if (names.length > 0) this.xattrs.set(name, names)
    }
    if (this.job.entries === undefined) return
    let item = this.shift()
    for (; item !== undefined && !item.path.equals(path); item = this.shift()) this.miss(item)
    if (item === undefined) throw new DrayError('io-failed', `tar wrote "${path.toString()}", which it was not asked for`)
    const { listed } = item
    if (listed === undefined) return
    if (kind === 'h' ? listed.type === 'd' : kind !== listed.type) this.missing.add(name)
    else if (!isAsListed(entry, listed)) this.changed.add(name)
  }

  private miss({ path }: AskedEntry): void {
    this.missing.add(path.toString('latin1'))
  }

  private shift(): AskedEntry | undefined {
    const item = this.asked[this.next]
    if (item === undefined) return undefined
    this.next++
    if (this.next > 4096) {
      this.asked.splice(0, this.next)
      this.next = 0
    }
    return item
  }
}

const xattrPrefix = 'SCHILY.xattr.'
const aclPrefix = `${xattrPrefix}system.posix_acl_`
