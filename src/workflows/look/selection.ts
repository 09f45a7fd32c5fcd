/** What is taken out of one mount of a backup: some entries, and all that is below them. */
import { showName } from '../../archive/byte-names.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { markedEntries } from '../../integrity/marked-entries.ts'
import type { ChunkRef } from '../../store/chunk-ref.ts'
import type { MountContent } from '../../store/mount-manifest.ts'
import type { PlacedEntry } from '../../store/toc-entry.ts'
import { tocChunksFrom } from '../../store/toc.ts'
import { salvagedTar, type LostEntry } from '../steps/salvage-content.ts'
import type { Place } from './find-place.ts'
import { selectEntries } from './select-entries.ts'

const slash = 0x2f
const pastBelow = Buffer.from([slash + 1])

/** Of one mount; places with other paths of it may be added. */
export class Selection {
  readonly place: Place
  /** Paths, none of which is below another one. */
  private topPaths: Buffer[] = []
  /** Files outside that names inside are other names of. */
  private readonly linked = new Set<string>()
  private readonly bad = new Set<string>()
  private readonly judged = new Set<string>()
  private names = new Set<string>()
  entries = 0
  bytes = 0

  constructor(place: Place) {
    this.place = place
  }

  get tops(): readonly Buffer[] {
    return this.topPaths
  }

  async add(place: Place): Promise<void> {
    const named = await selectEntries(place)
    const paths: Buffer[] = named.how === 'path' ? [named.entry.path] : []
    if (named.how === 'glob') for await (const batch of named.entries) paths.push(...batch.map(({ path }) => path))
    if (paths.length === 0) throw new DrayError('not-found', `nothing matches "${place.typed}"`)
    const all = new Set([...this.topPaths, ...paths].map(path => path.toString('latin1')))
    this.topPaths = [...all].filter(path => !ancestorsOf(path).some(each => all.has(each))).map(path => Buffer.from(path, 'latin1'))
    this.names = new Set(this.topPaths.map(path => path.toString('latin1')))
  }

  /** Counts what is selected, and finds what its hard links need. To be called before tar(). */
  async look(): Promise<void> {
    this.entries = this.bytes = 0
    for await (const { type, size, target } of this.selected()) {
      this.entries++
      if (type === 'f') this.bytes += size
      if (type === 'h' && target !== undefined && !this.holds(target)) this.linked.add(target.toString('latin1'))
    }
  }

  /** Reads all that is needed once, so that what is damaged is known and left out. To be called before look(). */
  async findDamage(): Promise<void> {
    for (const chunk of this.content().toc.chunks) await this.judge(chunk)
    await this.look()
    const { chunks } = this.place.content
    let at = 0
    let start = 0
    for await (const { offset, bytes } of this.wanted()) {
      for (let chunk = chunks[at]; chunk !== undefined && start + chunk.length <= offset; chunk = chunks[++at]) start += chunk.length
      let end = start
      for (const chunk of chunks.slice(at)) {
        if (end >= offset + bytes) break
        await this.judge(chunk)
        end += chunk.length
      }
    }
  }

  private async judge(chunk: ChunkRef): Promise<void> {
    if (this.judged.has(chunk.key)) return
    this.judged.add(chunk.key)
    try {
      await this.place.source.read(chunk)
    } catch (thrown) {
      if (!(thrown instanceof DrayError) || (thrown.code !== 'damaged' && thrown.code !== 'io-failed')) throw thrown
      this.bad.add(chunk.key)
    }
  }

  /** The selected entries in tar order. */
  async *selected(): AsyncGenerator<PlacedEntry> {
    for await (const entry of this.wanted()) if (this.holds(entry.path)) yield entry
  }

  private async *wanted(): AsyncGenerator<PlacedEntry> {
    for await (const marked of markedEntries(this.place.source, this.content(), chunk => this.bad.has(chunk.key))) {
      if ('entry' in marked && this.wants(marked.entry.path)) yield marked.entry
    }
  }

  private wants(path: Buffer): boolean {
    return this.holds(path) || this.linked.has(path.toString('latin1'))
  }

  /** What is selected as one tar, names as they are in the mount; a file comes along that a name in it is another name of. */
  tar(onLost: (lost: LostEntry) => void): AsyncGenerator<Buffer> {
    return salvagedTar(this.place.source, { content: this.content(), described: this.place.mount.described, isBad: chunk => this.bad.has(chunk.key) }, onLost, path => this.wants(path))
  }

  /** What a path becomes in the folder that it is extracted into: relative to the folder of the top that holds it. */
  shortened(path: Buffer): Buffer {
    const top = this.topOf(path) ?? path
    const parent = top.length === 1 ? 1 : top.lastIndexOf(slash)
    return Buffer.concat([Buffer.from('.'), path.subarray(parent)])
  }

  private holds(path: Buffer): boolean {
    return this.topOf(path) !== undefined
  }

  private topOf(path: Buffer): Buffer | undefined {
    if (this.topPaths.length === 1) {
      const [top] = this.topPaths
      const isIn = top !== undefined && (top.length === 1 || (path.length >= top.length && path.compare(top, 0, top.length, 0, top.length) === 0 && (path.length === top.length || path[top.length] === slash)))
      return isIn ? top : undefined
    }
    const text = path.toString('latin1')
    const found = [text, ...ancestorsOf(text)].find(each => this.names.has(each))
    return found === undefined ? undefined : Buffer.from(found, 'latin1')
  }

  /** The mount's content with the part of the table that is needed. */
  private content(): MountContent {
    const { chunks, toc } = this.place.content
    if (!toc.sorted || this.topPaths.some(top => top.length === 1)) return { chunks, toc }
    const wanted = [...this.topPaths, ...[...this.linked].map(path => Buffer.from(path, 'latin1'))].sort((a, b) => a.compare(b))
    const [first] = wanted
    const last = wanted.map(path => Buffer.concat([path, pastBelow])).sort((a, b) => a.compare(b)).at(-1)
    if (first === undefined || last === undefined) return { chunks, toc }
    const { from, to } = tocChunksFrom(toc, first, last)
    return { chunks, toc: { sorted: true, chunks: toc.chunks.slice(from, to) } }
  }
}

/** "./a" and "." of "./a/b". */
function ancestorsOf(path: string): string[] {
  const found: string[] = []
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) found.push(path.slice(0, end))
  return found
}

/** Places of the same mount are one selection. */
export async function selectAll(places: readonly Place[]): Promise<Selection[]> {
  const selections: Selection[] = []
  for (const place of places) {
    let selection = selections.find(each => each.place.mount.parts[0]?.digest === place.mount.parts[0]?.digest)
    if (selection === undefined) selections.push((selection = new Selection(place)))
    await selection.add(place)
  }
  return selections
}

/** Two that would have one name in the folder: `usage`. */
export function checkNames(selections: readonly Selection[]): void {
  const seen = new Set<string>()
  for (const { tops, place } of selections) {
    for (const top of tops) {
      const name = top.length === 1 ? '.' : top.subarray(top.lastIndexOf(slash) + 1).toString('latin1')
      if (seen.has(name) || (name === '.' ? seen.size > 0 : seen.has('.'))) throw new DrayError('usage', `"${name === '.' ? place.mount.described.label : showName(Buffer.from(name, 'latin1'))}" would come into the folder together with another one`, { hints: ['extract them one after the other, into folders of their own'] })
      seen.add(name)
    }
  }
}
