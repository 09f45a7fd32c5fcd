import { createHash, type Hash } from 'node:crypto'
import { compressionOf, type Compression } from '../archive/codec.ts'
import { decompress } from '../archive/decompress-stream.ts'
import { maxJsonBytes } from '../archive/image-archive.ts'
import { TarScanner } from '../archive/tar-scanner.ts'
import { DrayError } from '../errors/dray-error.ts'
import type { Digest } from '../store/oci.ts'
import type { FileMember, MemberContent } from './member.ts'

const magicBytes = 6
/** deflate makes at most 1032 bytes of one; other formats make more of it only when somebody wants them to. */
const mostExpansion = 1100
const expandsFreely = 256 * 1024 * 1024

/** Reads one file to its end: hashed as it is, and as what it unpacks to. Never keeps more of it than a document. */
export async function readMember(name: string, size: number, body: AsyncIterable<Buffer>): Promise<FileMember> {
  const raw = createHash('sha256')
  const source = hashed(body, raw)
  const first = await firstBytes(source)
  const content = looksLikeDocument(first.head) ? await readDocument(size, first.rest) : await readData(size, compressionOf(first.head), first.rest, raw)
  return { kind: 'file', name, size, digest: digestOf(raw), content }
}

async function* hashed(body: AsyncIterable<Buffer>, hash: Hash): AsyncGenerator<Buffer> {
  for await (const piece of body) {
    hash.update(piece)
    yield piece
  }
}

type First = { readonly head: Buffer; readonly rest: AsyncGenerator<Buffer> }

async function firstBytes(source: AsyncGenerator<Buffer>): Promise<First> {
  let head: Buffer = Buffer.alloc(0)
  while (head.length < magicBytes) {
    const next = await source.next()
    if (next.done === true) break
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value])
  }
  async function* rest(): AsyncGenerator<Buffer> {
    if (head.length > 0) yield head
    yield* source
  }
  return { head, rest: rest() }
}

/** White space, or the beginning of an object, list, text or literal; a tar begins with a name or zeros. */
function looksLikeDocument(head: Buffer): boolean {
  return /^(?:\u{feff}|\s)*(?:[{["]|null|true|false|-?\d|$)/u.test(head.subarray(0, 64).toString()) && !head.includes(0)
}

async function readDocument(size: number, body: AsyncIterable<Buffer>): Promise<MemberContent> {
  const pieces: Buffer[] = []
  for await (const piece of body) if (size <= maxJsonBytes) pieces.push(piece)
  return size <= maxJsonBytes ? { kind: 'document', bytes: Buffer.concat(pieces) } : { kind: 'too large' }
}

async function readData(size: number, compression: Compression, body: AsyncGenerator<Buffer>, raw: Hash): Promise<MemberContent> {
  if (compression === 'none') {
    const tar = new TarCheck()
    for await (const piece of body) tar.take(piece)
    return { kind: 'data', compression, plainDigest: digestOf(raw), plainBytes: size, ...tar.end() }
  }
  const plain = createHash('sha256')
  const tar = new TarCheck()
  let plainBytes = 0
  try {
    for await (const piece of decompress(compression, keptOpen(body))) {
      plain.update(piece)
      plainBytes += piece.length
      if (plainBytes > expandsFreely && plainBytes > size * mostExpansion) return { ...unread(compression, plainBytes), problem: { code: 'layer-expands', words: `${size} bytes become more than ${plainBytes}` } }
      tar.take(piece)
    }
  } catch (thrown) {
    if (!(thrown instanceof DrayError) || thrown.code !== 'damaged') throw thrown
    return { ...unread(compression, plainBytes), problem: { code: 'layer-damaged', words: thrown.message } }
  } finally {
    while ((await body.next()).done !== true);
  }
  return { kind: 'data', compression, plainDigest: digestOf(plain), plainBytes, ...tar.end() }
}

/** Whoever stops reading it does not end it: its hash needs the rest. */
function keptOpen(body: AsyncGenerator<Buffer>): AsyncIterable<Buffer> {
  return { [Symbol.asyncIterator]: () => ({ next: () => body.next() }) }
}

function unread(compression: Compression, plainBytes: number) {
  return { kind: 'data', compression, plainDigest: undefined, plainBytes, isTar: false } as const
}

/** Whether what passes is a tar, to its very end. */
class TarCheck {
  readonly #scanner = new TarScanner({})
  #problem: string | undefined
  #bytes = 0

  take(piece: Buffer): void {
    this.#bytes += piece.length
    if (this.#problem !== undefined) return
    this.#try(() => this.#scanner.scan(piece))
  }

  end(): { isTar: boolean; problem?: { code: 'layer-damaged'; words: string } } {
    if (this.#bytes === 0) return { isTar: true }
    if (this.#problem === undefined) this.#try(() => this.#scanner.end())
    return this.#problem === undefined ? { isTar: true } : { isTar: false, problem: { code: 'layer-damaged', words: this.#problem } }
  }

  #try(work: () => void): void {
    try {
      work()
    } catch (thrown) {
      if (!(thrown instanceof DrayError)) throw thrown
      this.#problem = thrown.message
    }
  }
}

function digestOf(hash: Hash): Digest {
  return `sha256:${hash.copy().digest('hex')}`
}
