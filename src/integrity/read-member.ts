import { createHash, type Hash } from 'node:crypto'
import { Readable } from 'node:stream'
import { ByteSource } from '../archive/byte-source.ts'
import { compressionOf, type Compression } from '../archive/codec.ts'
import { decompress } from '../archive/decompress-stream.ts'
import { takesMemory } from '../archive/system-decoder.ts'
import { blockBytes, isTarHeader } from '../archive/tar-header.ts'
import { tarHasNoEnd, tarIsFollowed, TarScanner } from '../archive/tar-scanner.ts'
import { DrayError } from '../errors/dray-error.ts'
import { digestOf as digestOfBytes } from '../store/digest.ts'
import type { Digest } from '../store/oci.ts'
import { noteGarbage, noteOldGarbage } from '../archive/young-garbage.ts'
import { cleanPath, rootDocuments, type DataContent, type DataProblem, type FileMember, type MemberContent, type PassedFile, type PutAside } from './member.ts'
import { usualExpansion, type Meter } from './meter.ts'

/** Registries take no manifest larger than this, and a config is smaller. */
const maxDocumentBytes = 4 * 1024 * 1024
/** What is done with to read a member, besides its content. */
const memberBytes = 16 * 1024
const oldMemberBytes = 4096
const plainMemberBytes = 1024
/** Smaller ones are read in one piece: an archive may have a million. */
export const smallBytes = 64 * 1024

/** Where a document can be read again that is not kept in memory. Undefined when it cannot. */
export type PutDocument = (document: Buffer) => Promise<number | undefined>

/** Reads one file to its end: hashed as it is, and as what it unpacks to. Never keeps more of it than a document. */
export async function readMember(name: string, size: number, body: AsyncIterable<Buffer>, meter: Meter, put: PutDocument): Promise<PassedFile> {
  if (size >= smallBytes) return await readByPieces(name, size, body, meter, put)
  const pieces: Buffer[] = []
  for await (const piece of body) pieces.push(piece)
  const bytes = pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces)
  return readPlain(name, size, bytes, meter) ?? (await readByPieces(name, size, Readable.from([bytes]) as AsyncIterable<Buffer>, meter, put))
}

/** One whose bytes are all there; undefined when it is more than these bytes: a document, or something to be unpacked. */
export function readPlain(name: string, size: number, bytes: Buffer, meter: Meter): FileMember | undefined {
  if (compressionOf(bytes) !== 'none' || looksLikeDocument(bytes)) return undefined
  const tar = new TarCheck()
  tar.take(bytes)
  meter.addRead(bytes.length)
  noteGarbage(plainMemberBytes)
  const digest = digestOfBytes(bytes)
  return { kind: 'file', name, size, digest, content: { kind: 'data', compression: 'none', plainDigest: digest, plainBytes: size, ...tar.end() } }
}

async function readByPieces(name: string, size: number, body: AsyncIterable<Buffer>, meter: Meter, put: PutDocument): Promise<PassedFile> {
  const raw = createHash('sha256')
  const source: Source = { failure: undefined }
  const input = new ByteSource(hashed(body, raw, meter, source))
  const head = await input.nextAtLeast(blockBytes)
  input.giveBack(head)
  const content = looksLikeDocument(head) ? await readDocument(name, size, input, meter, put) : await readData(size, compressionOf(head), input, raw, meter, source)
  noteGarbage(memberBytes)
  noteOldGarbage(oldMemberBytes)
  return { kind: 'file', name, size, digest: digestOf(raw), content }
}

/** What went wrong where a member comes from, which is nothing that is wrong with the member. */
type Source = { failure: { readonly thrown: unknown } | undefined }

async function* hashed(body: AsyncIterable<Buffer>, hash: Hash, meter: Meter, source: Source): AsyncGenerator<Buffer> {
  try {
    for await (const piece of body) {
      hash.update(piece)
      meter.addRead(piece.length)
      yield piece
    }
  } catch (thrown) {
    source.failure = { thrown }
    throw thrown
  }
}

/** White space, or the beginning of an object, list, text or literal. A tar's first name may begin like that too. */
function looksLikeDocument(head: Buffer): boolean {
  if (head.length === 0 || isTarHeader(head)) return false
  const first = head.subarray(0, 64)
  return !first.includes(0) && /^(?:\u{feff}|\s)*(?:[{["]|null|true|false|-?\d|$)/u.test(first.toString())
}

async function readDocument(name: string, size: number, input: ByteSource, meter: Meter, put: PutDocument): Promise<MemberContent | PutAside> {
  const isKept = size <= maxDocumentBytes
  // the one before is let go when this one needs its memory
  if (isKept) noteGarbage(3 * size)
  const bytes = Buffer.allocUnsafeSlow(isKept ? size : 0)
  let filled = 0
  for await (const piece of input.pieces()) filled += isKept ? piece.copy(bytes, filled) : 0
  if (!isKept) return { kind: 'too large' }
  const document = bytes.subarray(0, filled)
  if (rootDocuments.has(cleanPath(name) ?? '') || meter.keeps(size)) return { kind: 'document', bytes: document }
  const position = await put(document)
  return position === undefined ? { kind: 'too large' } : { kind: 'put aside', position }
}

async function readData(size: number, compression: Compression, input: ByteSource, raw: Hash, meter: Meter, source: Source): Promise<DataContent> {
  const tar = new TarCheck()
  if (compression === 'none') {
    for await (const piece of input.pieces()) tar.take(piece)
    return { kind: 'data', compression, plainDigest: digestOf(raw), plainBytes: size, ...tar.end() }
  }
  const plain = createHash('sha256')
  const expansion = meter.watch()
  let plainBytes = 0
  let problem: DataProblem | undefined
  try {
    for await (const piece of decompress(compression, input.pieces())) {
      noteGarbage(piece.length)
      plain.update(piece)
      plainBytes += piece.length
      tar.take(piece)
      if (expansion.add(size, piece.length)) continue
      problem = { code: 'layer-expands', words: `${size} bytes become more than ${plainBytes}, which is more than ${usualExpansion} times as many` }
      break
    }
  } catch (thrown) {
    if (source.failure !== undefined) throw source.failure.thrown
    if (!(thrown instanceof DrayError) || thrown.code !== 'damaged') throw thrown
    problem = { code: thrown.reason === takesMemory ? 'memory-excessive' : 'layer-damaged', words: thrown.message }
  }
  // its own hash needs the rest
  while ((await input.next()) !== undefined);
  if (problem !== undefined) return { kind: 'data', compression, plainDigest: undefined, plainBytes, isTar: false, problem }
  return { kind: 'data', compression, plainDigest: digestOf(plain), plainBytes, ...tar.end() }
}

/** Whether what passes is a tar, to its very end. */
class TarCheck {
  readonly #scanner = new TarScanner({})
  #problem: DrayError | undefined
  #bytes = 0

  take(piece: Buffer): void {
    this.#bytes += piece.length
    if (this.#problem !== undefined) return
    this.#try(() => this.#scanner.scan(piece))
  }

  end(): { isTar: boolean; problem?: DataProblem } {
    if (this.#bytes === 0) return { isTar: true }
    if (this.#problem === undefined) this.#try(() => this.#scanner.end())
    if (this.#problem === undefined) return { isTar: true }
    const { reason, message } = this.#problem
    const isOddEnd = reason === tarHasNoEnd || reason === tarIsFollowed
    return { isTar: isOddEnd, problem: { code: isOddEnd ? 'layer-end' : 'layer-damaged', words: message } }
  }

  #try(work: () => void): void {
    // nobody asks where it was thrown, and a million may be
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    try {
      work()
    } catch (thrown) {
      if (!(thrown instanceof DrayError)) throw thrown
      this.#problem = thrown
    } finally {
      Error.stackTraceLimit = stackTraceLimit
    }
  }
}

function digestOf(hash: Hash): Digest {
  return `sha256:${hash.copy().digest('hex')}`
}
