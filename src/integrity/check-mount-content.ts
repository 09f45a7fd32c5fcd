/**
 * The deep check of a mount: every chunk unpacked, the tar read to its end, every entry compared with the table of contents.
 * What a piece of the table says of the chunks that its entries lie in is compared once, however many backups share them.
 */
import { createHash } from 'node:crypto'
import { BufferPool } from '../archive/buffer-pool.ts'
import { TarScanner } from '../archive/tar-scanner.ts'
import { DrayError, messageOf } from '../errors/dray-error.ts'
import { isLostContent } from '../errors/lost-content.ts'
import { bytesOf, type ChunkRef } from '../store/chunk-ref.ts'
import { chunkThreads } from '../store/chunk-threads.ts'
import { plainChunks, type ChunkSource } from '../store/content-reader.ts'
import { DigestSet } from '../store/digest-set.ts'
import type { MountContent } from '../store/mount-manifest.ts'
import type { Digest } from '../store/oci.ts'
import { entriesIn } from '../store/toc.ts'
import { noteGarbage } from '../archive/young-garbage.ts'
import type { CheckingBlobs } from './checking-blobs.ts'
import { compareEntry } from './compare-entry.ts'

export type DeepJob = {
  readonly checking: CheckingBlobs
  /** Verifies the blobs' own digests too. */
  readonly source: ChunkSource
  /** The random share of the segments, and of the layers, that is read. */
  readonly share: number
  readonly onBytes: (bytes: number) => void
  readonly signal: AbortSignal
}

/**
 * Bytes [from, to) of the tar, which a chunk of the table describes, and the chunks that hold them: [first, last), from `start` on.
 * Two segments that follow one another share a chunk as a rule: it is read twice.
 */
type Segment = { readonly number: number; readonly from: number; readonly to: number; readonly start: number; readonly first: number; readonly last: number; readonly isLast: boolean; readonly identity: Digest }

const mostWrong = 20
/** Chunks. Each one ahead takes up to 16 MB, and what is done with one here takes no time beside its hashes. */
const readAhead = 0

export class MountContentCheck {
  readonly #job: DeepJob
  /** For all segments: each would make buffers of its own. */
  readonly #pool = new BufferPool(readAhead + 2)
  /** Of their own, as these never become as large as chunks of data, and memory is taken as far as it was ever used. */
  readonly #tocPool = new BufferPool(1)
  readonly #sound = new DigestSet()
  readonly #wrong = new Map<Digest, readonly string[]>()

  constructor(job: DeepJob) {
    this.#job = job
  }

  /** Returns what is wrong with entries, besides what bad blobs hurt: paths, with what differs. `name` is for the findings. */
  async check(name: string, content: MountContent): Promise<string[]> {
    const { checking: { table }, share, signal } = this.#job
    const wrong: string[] = []
    chunkThreads.expect(bytesOf(content.chunks) * share)
    for (const segment of segmentsOf(content)) {
      signal.throwIfAborted()
      const isHurt = [content.toc.chunks[segment.number], ...content.chunks.slice(segment.first, segment.last)].some(chunk => chunk !== undefined && table.isBad(chunk.digest))
      const isKnown = this.#sound.has(segment.identity) || this.#wrong.has(segment.identity)
      if (!isKnown && !isHurt && Math.random() < share) await this.#checkSegment(name, content, segment)
      wrong.push(...(this.#wrong.get(segment.identity) ?? []))
    }
    if (share === 1) await this.#readRest(content)
    return wrong
  }

  async #checkSegment(name: string, content: MountContent, segment: Segment): Promise<void> {
    const differences: string[] = []
    try {
      await this.#compare(content, segment, differences)
    } catch (thrown) {
      if (thrown instanceof BadChunk) return
      if (!(thrown instanceof DrayError) || thrown.code !== 'damaged') throw thrown
      this.#job.checking.findings.add('tar-broken', { member: name, found: thrown.message })
      differences.push(`from byte ${segment.from} on: ${thrown.message}`)
    }
    if (differences.length === 0) {
      this.#sound.add(segment.identity)
      return
    }
    for (const difference of differences.slice(0, mostWrong)) this.#job.checking.findings.add('tar-differs', { member: name, found: difference })
    this.#wrong.set(segment.identity, differences.slice(0, mostWrong))
  }

  /** Throws `damaged` when the segment is not a whole number of records. No entry is held once it is compared. */
  async #compare({ chunks, toc }: MountContent, { number, from, to, start, first, last, isLast }: Segment, differences: string[]): Promise<void> {
    const described = toc.chunks[number]
    const memory = this.#tocPool.take(described?.length ?? 0)
    try {
      const expected = described === undefined ? [].values() : entriesIn(await this.#read(described, memory, 'toc-broken'), described)
      let isMore = false
      const scanner = new TarScanner({
        onEntry: found => {
          const next = expected.next()
          if (next.done !== true) differences.push(...compareEntry(next.value, found, from))
          else if (!isMore) differences.push(`"${found.name.toString()}" is not in the table of contents`)
          isMore ||= next.done === true
        },
      })
      let position = start
      for await (const plain of plainChunks({ read: (chunk, into) => this.#read(chunk, into) }, chunks.slice(first, last), { pool: this.#pool, readAhead })) {
        scanner.scan(plain.subarray(Math.max(0, from - position), Math.max(0, to - position)))
        position += plain.length
        noteGarbage(plain.length)
      }
      if (isLast) scanner.end()
      for (const missing of expected) differences.push(...compareEntry(missing, undefined, from))
    } finally {
      this.#tocPool.giveBack(memory)
    }
  }

  /** What no segment has read: beside bad blobs, and where the table is broken. */
  async #readRest({ chunks, toc }: MountContent): Promise<void> {
    for (const chunk of [...chunks, ...toc.chunks]) {
      this.#job.signal.throwIfAborted()
      if (this.#job.checking.table.get(chunk.digest)?.state !== 'unchecked') continue
      const memory = this.#pool.take(chunk.length)
      await this.#read(chunk, memory).catch((thrown: unknown) => {
        if (!(thrown instanceof BadChunk)) throw thrown
      })
      this.#pool.giveBack(memory)
    }
  }

  async #read(chunk: ChunkRef, into?: Buffer, code: 'chunk-damaged' | 'toc-broken' = 'chunk-damaged'): Promise<Buffer> {
    const { checking, source, onBytes } = this.#job
    const isNew = checking.table.get(chunk.digest)?.state === 'unchecked'
    try {
      const plain = await source.read(chunk, into)
      if (isNew) {
        checking.table.mark(chunk.digest, 'sound')
        onBytes(chunk.size)
      }
      return plain
    } catch (thrown) {
      if (!(thrown instanceof DrayError) || !isLostContent(thrown)) throw thrown
      if (await checking.isSound(chunk, 'read')) await checking.condemn(chunk.digest, code, undefined, messageOf(thrown))
      throw new BadChunk(thrown.message)
    }
  }
}

/** Already a finding. */
class BadChunk extends Error {}

function segmentsOf({ chunks, toc }: MountContent): Segment[] {
  const tarBytes = bytesOf(chunks)
  const segments: Segment[] = []
  let first = 0
  let firstStart = 0
  for (const [number, { key, offset: from }] of toc.chunks.entries()) {
    const to = toc.chunks[number + 1]?.offset ?? tarBytes
    const isLast = number === toc.chunks.length - 1
    while (firstStart + (chunks[first]?.length ?? Infinity) <= from) firstStart += chunks[first++]?.length ?? 0
    const identity = createHash('sha256').update(`${key} ${from - firstStart} ${to - from} ${isLast}`)
    let last = first
    for (let start = firstStart; start < to && last < chunks.length; last++) {
      identity.update(` ${chunks[last]?.key ?? ''}`)
      start += chunks[last]?.length ?? 0
    }
    segments.push({ number, from, to, start: firstStart, first, last, isLast, identity: `sha256:${identity.digest('hex')}` })
  }
  return segments
}
