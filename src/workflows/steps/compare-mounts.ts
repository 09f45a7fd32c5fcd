import type { EntryAttributes, ListedEntry, MountReader } from '../../mounts/mount-access.ts'
import { TarScanner } from '../../archive/tar-scanner.ts'
import { differenceOf, isLostAndFound } from './check-content.ts'
import { PackedListing } from './packed-listing.ts'
import { sideBySide } from './side-by-side.ts'

export type CompareJob = { readonly source: MountReader; readonly target: MountReader; /** A single file: its name may differ. */ readonly isFile: boolean; readonly content: boolean; readonly signal: AbortSignal }

const mostDifferences = 20

/** What differs between two mounts that both can be listed, in words; at most twenty. Both are read side by side, and only what is said of them comes here. */
export async function compareMounts(job: CompareJob): Promise<readonly string[]> {
  const comparing = new Comparing(job)
  await comparing.lists()
  if (!comparing.isFull()) await comparing.attributes()
  if (!comparing.isFull()) await comparing.values()
  if (!comparing.isFull() && job.content) await comparing.contents()
  return comparing.differences
}

class Comparing {
  readonly differences: string[] = []
  private readonly job: CompareJob
  /** In both. Of a single file the name may differ, so there is one list for each side. */
  private readonly common = new PackedListing()
  private readonly commonThere = new PackedListing()
  private readonly withXattrs = new PackedListing()
  private readonly linksHere = new Map<string, string>()
  private readonly linksThere = new Map<string, string>()

  constructor(job: CompareJob) {
    this.job = job
  }

  isFull(): boolean {
    return this.differences.length >= mostDifferences
  }

  async lists(): Promise<void> {
    const { source, target, signal } = this.job
    for await (const [here, there] of sideBySide(source.list(signal), target.list(signal), (one, other) => this.order(one, other))) {
      const entry = here ?? there
      if (entry === undefined || entry.type === 's' || isLostAndFound(entry)) continue
      if (there === undefined) this.add(entry.path, 'is missing')
      else if (here === undefined) this.add(entry.path, 'is not in the source')
      else this.pair(here, there)
    }
  }

  private order(here: ListedEntry, there: ListedEntry): number {
    return this.job.isFile ? 0 : Buffer.compare(here.path, there.path)
  }

  private pair(here: ListedEntry, there: ListedEntry): void {
    const what = differenceOf(here, there) ?? (this.firstName(this.linksHere, here) === this.firstName(this.linksThere, there) ? undefined : 'is not linked to the same names')
    if (what !== undefined) this.add(here.path, what)
    this.common.add(here)
    if (this.job.isFile) this.commonThere.add(there)
  }

  /** The first name of a file that has several. */
  private firstName(links: Map<string, string>, { path, inode, links: count, type }: ListedEntry): string | undefined {
    if (count < 2 || type === 'd' || this.job.isFile) return undefined
    const name = path.toString('latin1')
    const first = links.get(inode) ?? name
    links.set(inode, first)
    return first
  }

  /** What tar says of each entry. */
  async attributes(): Promise<void> {
    const { signal } = this.job
    const listed = this.common[Symbol.iterator]()
    for await (const [here, there] of this.inBoth((reader, paths) => reader.attributes?.(paths, signal), this.common, this.commonThere)) {
      const entry = listed.next().value as ListedEntry
      const [mine, theirs] = [this.wordsOf(here), this.wordsOf(there)]
      if (mine !== theirs) this.add(entry.path, `is "${theirs}" instead of "${mine}"`)
      else if (here.xattrs.length > 0) this.withXattrs.add(entry)
    }
  }

  private wordsOf({ line, xattrs }: EntryAttributes): string {
    const words = this.job.isFile ? line.slice(0, line.indexOf(' ./')) : line
    return xattrs.length === 0 ? words : `${words} with ${xattrs.join(', ')}`
  }

  /** Only an archive has the values of extended attributes: what is large is given up after its header. */
  async values(): Promise<void> {
    const small = new PackedListing()
    for (const entry of this.withXattrs) {
      if (entry.type !== 'f' || entry.size <= smallBytes) small.add(entry)
      else await this.compareValues(single(entry), 1)
    }
    if (small.entries > 0) await this.compareValues(small, small.entries)
  }

  private async compareValues(entries: PackedListing, count: number): Promise<void> {
    const { source, target, signal, isFile } = this.job
    const listed = entries[Symbol.iterator]()
    for await (const [here, there] of sideBySide(valuesOf(source, entries, count, signal), valuesOf(target, isFile ? this.commonThere : entries, count, signal), () => 0)) {
      const entry = listed.next().value as ListedEntry
      if (here === undefined || here !== there) this.add(entry.path, 'has other extended attributes')
    }
  }

  async contents(): Promise<void> {
    const { signal } = this.job
    const files = onlyFiles(this.common)
    const listed = files[Symbol.iterator]()
    for await (const [here, there] of this.inBoth((reader, paths) => reader.digests?.(paths, signal), files, onlyFiles(this.commonThere))) {
      const entry = listed.next().value as ListedEntry
      if (here !== there) this.add(entry.path, 'has other content')
    }
  }

  /** What both say of the same entries; of a single file under the name that it has there. */
  private async *inBoth<Item>(look: (reader: MountReader, paths: AsyncIterable<readonly Buffer[]>) => AsyncIterable<readonly Item[]> | undefined, here: PackedListing, there: PackedListing): AsyncGenerator<readonly [Item, Item]> {
    const { source, target, isFile } = this.job
    if (here.entries === 0) return
    const [mine, theirs] = [look(source, pathsOf(here)), look(target, pathsOf(isFile ? there : here))]
    if (mine === undefined || theirs === undefined) throw new RangeError('a reader that can list can look at entries')
    for await (const [one, other] of sideBySide(mine, theirs, () => 0)) {
      if (one !== undefined && other !== undefined) yield [one, other]
    }
  }

  private add(path: Buffer, what: string): void {
    if (!this.isFull()) this.differences.push(`"${path.toString()}" ${what}`)
  }
}

const smallBytes = 1024 * 1024

function single(entry: ListedEntry): PackedListing {
  const listing = new PackedListing()
  listing.add(entry)
  return listing
}

/** One name of each. */
function onlyFiles(listing: PackedListing): PackedListing {
  const files = new PackedListing()
  const seen = new Set<string>()
  for (const entry of listing) {
    if (entry.type !== 'f' || entry.size === 0 || seen.has(entry.inode)) continue
    if (entry.links > 1) seen.add(entry.inode)
    files.add(entry)
  }
  return files
}

async function* pathsOf(listing: PackedListing): AsyncGenerator<readonly Buffer[]> {
  for (const batch of listing.batches()) yield await Promise.resolve(batch.map(({ path }) => path))
}

/** The extended attributes of each entry as one text. Ends when so many are known, with what follows unread. */
async function* valuesOf(reader: MountReader, entries: PackedListing, count: number, signal: AbortSignal): AsyncGenerator<readonly string[]> {
  const { tar, problems } = reader.stream(pathsOf(entries), signal)
  problems.catch(() => undefined)
  let found: string[] = []
  let seen = 0
  const scanner = new TarScanner({
    onEntry: ({ paxRecords }) => {
      seen++
      found.push([...paxRecords].filter(([key]) => key.startsWith('SCHILY.xattr.')).map(([key, value]) => `${key}=${value.toString('latin1')}`).sort().join('\0'))
    },
  })
  for await (const bytes of tar as AsyncIterable<Buffer>) {
    scanner.scan(bytes)
    if (found.length > 0) yield found
    found = []
    if (seen >= count) break
  }
  await problems.catch(() => undefined)
}
