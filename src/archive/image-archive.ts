import { isUtf8 } from 'node:buffer'
import { addAbortSignal, Readable } from 'node:stream'
import { DrayError } from '../errors/dray-error.ts'
import type { TarEntry } from './tar-entry.ts'
import { TarScanner } from './tar-scanner.ts'

/** manifest.json, index.json, configs and the like: larger ones are not read into memory. */
export const maxJsonBytes = 8 * 1024 * 1024
/** A backup of 500 GB has some 250,000 blobs; nothing else has as many files. */
const maxMembers = { blobs: 1_000_000, others: 50_000 }

/** As loaders read names: see cleanPath. */
const blobName = /^(?:\.?\/)*blobs\/sha256\/[0-9a-f]{64}$/
const longestBlobName = 100

/** The reason of a DrayError: more members than any image has. */
export const tooManyMembers = 'too many members'

/** Members that are no files. */
export type OtherMembers = {
  /** A symbolic or hard link: engines up to 24 save a layer that occurs twice as a relative symbolic link. */
  onLink?(name: string, linkTo: string, kind: 'symbolic' | 'hard'): void
  onDirectory?(name: string): void
  /** Anything else. */
  onOther?(entry: TarEntry): void
}

export type ImageArchiveReader = OtherMembers & {
  /** Called for each file in order, and awaited. What it leaves of `body` is passed over; `body` is dead afterwards. */
  onMember(name: string, size: number, body: AsyncIterable<Buffer>): Promise<void> | void
  readonly signal?: AbortSignal
}

type Event = { readonly kind: 'entry'; readonly entry: TarEntry } | { readonly kind: 'data'; readonly slice: Buffer } | { readonly kind: 'end' }

/** Reads what `docker save` writes, in one pass. Throws `damaged` unless the tar is whole and its end is proven, which is known only when this returns. */
export async function readImageArchive(stream: AsyncIterable<Buffer>, reader: ImageArchiveReader): Promise<void> {
  for await (const { entry, body } of archiveEntries(stream, reader.signal)) await hand(entry, body, reader)
}

/**
 * The files of what `docker save` writes, as a loop; `body` is dead when the next one is asked for. Throws `damaged` unless the
 * tar is whole and its end is proven, which is known only when the loop has ended by itself. Leaving it destroys the stream.
 */
export async function* archiveFiles(stream: Readable, signal?: AbortSignal): AsyncGenerator<{ readonly name: string; readonly size: number; readonly body: AsyncIterable<Buffer> }> {
  for await (const { entry, body } of archiveEntries(stream as AsyncIterable<Buffer>, signal)) {
    if (isPlainFile(entry)) yield { name: memberName(entry), size: entry.size, body }
  }
}

async function* archiveEntries(stream: AsyncIterable<Buffer>, signal: AbortSignal | undefined): AsyncGenerator<{ readonly entry: TarEntry; readonly body: Body }> {
  if (signal && stream instanceof Readable) addAbortSignal(signal, stream)
  const events = eventsOf(stream)
  const members = new MemberCount()
  try {
    for (let event = await events.next(); !event.done; event = await events.next()) {
      if (event.value.kind !== 'entry') continue
      signal?.throwIfAborted()
      members.add(event.value.entry)
      const body = bodyOf(events)
      yield { entry: event.value.entry, body }
      while (!(await body.next()).done);
    }
  } finally {
    await events.return(undefined)
  }
}

async function hand(entry: TarEntry, body: Body, reader: ImageArchiveReader): Promise<void> {
  if (isPlainFile(entry)) await reader.onMember(memberName(entry), entry.size, body)
  else handOther(entry, reader)
}

/** One that has data and no holes. */
export function isPlainFile({ type, sparse }: TarEntry): boolean {
  return type === '0' && !sparse
}

export function handOther(entry: TarEntry, reader: OtherMembers): void {
  const name = memberName(entry)
  if (entry.type === '1' || entry.type === '2') reader.onLink?.(name, textOf(entry.linkName), entry.type === '1' ? 'hard' : 'symbolic')
  else if (entry.type === '5') reader.onDirectory?.(name)
  else reader.onOther?.(entry)
}

/** Throws `damaged` when there are more than any image or backup has. */
export class MemberCount {
  readonly #counts = { blobs: 0, others: 0 }

  add(entry: TarEntry): void {
    const kind = isPlainFile(entry) && entry.name.length <= longestBlobName && blobName.test(entry.name.toString('latin1')) ? 'blobs' : 'others'
    if (++this.#counts[kind] > maxMembers[kind]) throw new DrayError('damaged', `the archive has more than ${maxMembers[kind]} ${kind === 'blobs' ? 'blobs' : 'members'}`, { reason: tooManyMembers })
  }
}

export function memberName({ name }: TarEntry): string {
  return textOf(name)
}

/** Names that are not UTF-8 stay different from each other. */
function textOf(name: Buffer): string {
  return isUtf8(name) ? name.toString() : name.toString('latin1')
}

/** The whole of a small member. Throws `damaged` when it is larger than `maxBytes`, before it is read. */
export async function readSmallMember(name: string, size: number, body: AsyncIterable<Buffer>, maxBytes = maxJsonBytes): Promise<Buffer> {
  if (size > maxBytes) throw new DrayError('damaged', `"${name}" has ${size} bytes, more than the ${maxBytes} that such a file may have`)
  const slices: Buffer[] = []
  for await (const slice of body) slices.push(slice)
  return Buffer.concat(slices)
}

async function* eventsOf(source: AsyncIterable<Buffer>): AsyncGenerator<Event, undefined> {
  let events: Event[] = []
  const scanner = new TarScanner({
    onEntry: entry => events.push({ kind: 'entry', entry }),
    onData: slice => events.push({ kind: 'data', slice }),
    onEntryEnd: () => events.push({ kind: 'end' }),
  })
  for await (const bytes of source) {
    let failure: { readonly thrown: unknown } | undefined
    try {
      scanner.scan(bytes)
    } catch (thrown) {
      failure = { thrown }
    }
    yield* events
    if (failure !== undefined) throw failure.thrown
    events = []
  }
  scanner.end()
}

type Body = AsyncIterableIterator<Buffer>

/** Leaving a loop over the body early does not end the archive. */
function bodyOf(events: AsyncGenerator<Event, undefined>): Body {
  let ended = false
  return {
    async next() {
      if (ended) return { done: true, value: undefined }
      const { done, value } = await events.next()
      if (!done && value.kind === 'data') return { done: false, value: value.slice }
      ended = true
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
