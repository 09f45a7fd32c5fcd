/** Checks one file or directory that should hold images. Needs no engine, changes nothing, and trusts nothing that it reads. */
import { read } from 'node:fs'
import { open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { ByteSource } from '../archive/byte-source.ts'
import { compressionOf, type Compression } from '../archive/codec.ts'
import { decompress } from '../archive/decompress-stream.ts'
import { DrayError } from '../errors/dray-error.ts'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'
import { badCompression, expandsTooMuch, readArchiveFile, readArchiveMembers, type MemberTap } from './archive-members.ts'
import { AsideFile } from './aside-documents.ts'
import { Findings } from './finding.ts'
import { reportOf, type ImageReport } from './image-report.ts'
import { LayoutMembers } from './layout-members.ts'
import type { Members } from './member.ts'
import { MemberThreads } from './member-threads.ts'
import { Meter, usualExpansion } from './meter.ts'

/** Enough for every kind of file that can be told. */
const headBytes = 64 * 1024
const magicBytes = 6
const pieceBytes = 256 * 1024
const progressMs = 100

export type Watching = {
  readonly signal: AbortSignal
  /** Called with the bytes that have been read since the last call. */
  readonly onRead?: (bytes: number) => void
}

/** The report, and what is known of each file that it is about, until it is disposed of. */
export type Examined = AsyncDisposable & { readonly report: ImageReport; readonly members: Members }

/** One pass over a stream: a save tarball, in any compression. Throws what the stream throws. */
export async function checkImageArchive(stream: AsyncIterable<Buffer>, watching: Watching): Promise<ImageReport> {
  await using examined = await examineImageArchive(stream, watching)
  return examined.report
}

/** The same; `tap` sees every file pass, and what it throws, but for `damaged`, is thrown. */
export async function examineImageArchive(stream: AsyncIterable<Buffer>, { signal, onRead }: Watching, tap?: MemberTap): Promise<Examined> {
  const findings = new Findings()
  const meter = new Meter()
  const input = new ByteSource(watched(stream, onRead))
  const first = await input.nextAtLeast(magicBytes)
  input.giveBack(first)
  const compression = compressionOf(first)
  const head = new Head()
  const tar = head.keep(compression === 'none' ? input.rest() : unpacked(compression, input.rest(), meter))
  return await keeping(new AsideFile(), async aside => {
    const members = await readArchiveMembers(tar, { findings, meter, aside, signal, ...(tap === undefined ? {} : { tap }) })
    return { report: await reportOf({ members, begun: members.begun, findings, compression, head: head.bytes }), members }
  })
}

/** The same of a file. Members of a tar that is not compressed are read side by side. Throws a DrayError when it cannot be read. */
export async function checkImageFile(path: string, watching: Watching): Promise<ImageReport> {
  await using examined = await examineImageFile(path, watching)
  return examined.report
}

export async function examineImageFile(path: string, watching: Watching): Promise<Examined> {
  try {
    return await keeping(await open(path, 'r'), async file => {
      const stats = await file.stat()
      const head = stats.isFile() ? await headOf(file.fd) : undefined
      if (head !== undefined && compressionOf(head) === 'none') return await checkTarFile(file.fd, stats.size, head, watching)
      return await examineImageArchive(file.createReadStream({ highWaterMark: pieceBytes, autoClose: false }) as AsyncIterable<Buffer>, watching)
    })
  } catch (thrown) {
    watching.signal.throwIfAborted()
    throw errnoOf(thrown) === undefined ? thrown : fromSystemError(thrown, 'cannot read', path)
  }
}

/** What came of it needs `resource`, and what it needs besides, for as long as it is used. */
async function keeping<T extends AsyncDisposable>(resource: T, examine: (resource: T) => Promise<Pick<Examined, 'report' | 'members'> & Partial<AsyncDisposable>>): Promise<Examined> {
  try {
    const examined = await examine(resource)
    return {
      report: examined.report, members: examined.members,
      [Symbol.asyncDispose]: async () => {
        await examined[Symbol.asyncDispose]?.()
        await resource[Symbol.asyncDispose]()
      },
    }
  } catch (thrown) {
    await resource[Symbol.asyncDispose]()
    throw thrown
  }
}

async function checkTarFile(file: number, size: number, head: Buffer, watching: Watching): Promise<Pick<Examined, 'report' | 'members'>> {
  const findings = new Findings()
  const members = await withThreads(watching, (meter, threads) => readArchiveFile(file, size, findings, meter, threads, watching.signal))
  return { report: await reportOf({ members, begun: members.begun, findings, compression: 'none', head }), members }
}

/** The directory of an OCI layout, or of an unpacked archive. Only the files that belong to images are read. */
export async function checkImageDirectory(path: string, watching: Watching): Promise<ImageReport> {
  return await withThreads(watching, async (meter, threads) => {
    const members = await LayoutMembers.open(path, meter, threads)
    return await reportOf({ members, begun: { isAny: members.size > 0, isImage: members.size > 0 }, findings: new Findings(), compression: 'none', head: undefined })
  })
}

async function withThreads<T>({ signal, onRead }: Watching, work: (meter: Meter, threads: MemberThreads) => Promise<T>): Promise<T> {
  const meter = new Meter()
  let told = 0
  const tell = (): void => {
    const { readBytes } = meter
    if (readBytes > told) onRead?.(readBytes - told)
    told = readBytes
  }
  const ticking = setInterval(tell, progressMs)
  try {
    await using threads = new MemberThreads(signal)
    return await work(meter, threads)
  } finally {
    clearInterval(ticking)
    tell()
  }
}

async function headOf(file: number): Promise<Buffer> {
  const { buffer, bytesRead } = await promisify(read)(file, Buffer.alloc(headBytes), 0, headBytes, 0)
  return buffer.subarray(0, bytesRead)
}

async function* watched(stream: AsyncIterable<Buffer>, onRead: Watching['onRead']): AsyncGenerator<Buffer> {
  for await (const piece of stream) {
    onRead?.(piece.length)
    yield piece
  }
}

/** Fails with a reason of archive-members.ts when the data is damaged, or becomes too large. */
async function* unpacked(kind: Exclude<Compression, 'none'>, source: AsyncIterable<Buffer>, meter: Meter): AsyncGenerator<Buffer> {
  const expansion = meter.watch()
  let storedBytes = 0
  const counted = watched(source, bytes => (storedBytes += bytes))
  try {
    for await (const piece of decompress(kind, counted)) {
      if (!expansion.add(storedBytes, piece.length)) throw new DrayError('damaged', `the first ${storedBytes} bytes become more than ${usualExpansion} times as many`, { reason: expandsTooMuch })
      yield piece
    }
  } catch (thrown) {
    throw thrown instanceof DrayError && thrown.code === 'damaged' && thrown.reason === undefined ? new DrayError('damaged', thrown.message, { reason: badCompression, cause: thrown }) : thrown
  }
}

/** Remembers how a stream began. */
class Head {
  readonly #pieces: Buffer[] = []
  #bytes = 0

  get bytes(): Buffer {
    return Buffer.concat(this.#pieces)
  }

  async *keep(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of stream) {
      if (this.#bytes < headBytes) this.#pieces.push(Buffer.from(piece.subarray(0, headBytes - this.#bytes)))
      this.#bytes += piece.length
      yield piece
    }
  }
}
