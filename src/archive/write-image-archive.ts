import { Readable } from 'node:stream'
import { closeIterator, pushNext } from './iterated-stream.ts'
import { blockBytes } from './tar-header.ts'

export type ImageArchiveMember =
  | { readonly name: string; readonly size: number; readonly body: AsyncIterable<Buffer> | Buffer }
  /** A symbolic link, as engines up to 24 use for a layer that occurs twice. */
  | { readonly name: string; readonly linkTo: string }

const bufferedBytes = 256 * 1024
const maxNameBytes = 100
const maxOctalSize = 0o77777777777

/**
 * A tar for `docker load`: equal members give equal bytes (mode 0644, owner 0, time 0). Fails if a body has not its size.
 * Destroying it calls `onDestroy`, which should end what the members may wait for, and closes the body that is being read and the
 * members; it has closed when they have.
 */
export function writeImageArchive(members: AsyncIterable<ImageArchiveMember> | Iterable<ImageArchiveMember>, onDestroy?: () => void): Readable {
  const open: { body?: unknown } = {}
  const tar = tarOf(members, open)
  return new Readable({
    highWaterMark: bufferedBytes,
    read() {
      void pushNext(this, tar)
    },
    destroy(error, done) {
      onDestroy?.()
      if (open.body instanceof Readable) open.body.destroy()
      void closeIterator(tar).then(() => done(error))
    },
  })
}

async function* tarOf(members: AsyncIterable<ImageArchiveMember> | Iterable<ImageArchiveMember>, open: { body?: unknown }): AsyncGenerator<Buffer> {
  for await (const member of members) {
    open.body = 'body' in member ? member.body : undefined
    yield headerOf(member)
    if ('linkTo' in member || member.size === 0) continue
    yield* bodyOf(member)
    const padding = -member.size & (blockBytes - 1)
    if (padding > 0) yield Buffer.alloc(padding)
  }
  yield Buffer.alloc(2 * blockBytes)
}

async function* bodyOf({ name, size, body }: { name: string; size: number; body: AsyncIterable<Buffer> | Buffer }): AsyncGenerator<Buffer> {
  let written = 0
  for await (const piece of Buffer.isBuffer(body) ? [body] : body) {
    written += piece.length
    if (written > size) break
    if (piece.length > 0) yield piece
  }
  if (written !== size) throw new Error(`"${name}" should have ${size} bytes and has ${written > size ? 'more' : written}`)
}

function headerOf(member: ImageArchiveMember): Buffer {
  const isLink = 'linkTo' in member
  const size = isLink ? 0 : member.size
  const block = Buffer.alloc(blockBytes)
  writeText(block, 0, member.name)
  block.write('0000644\0' + '0000000\0' + '0000000\0', 100)
  writeSize(block, size)
  block.write('00000000000\0', 136)
  block.write(' '.repeat(8), 148)
  block.write(isLink ? '2' : '0', 156)
  if (isLink) writeText(block, 157, member.linkTo)
  block.write(size > maxOctalSize ? 'ustar  \0' : 'ustar\x0000', 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

function writeText(block: Buffer, at: number, text: string): void {
  if (Buffer.byteLength(text) > maxNameBytes) throw new Error(`"${text}" is too long a name for an image archive`)
  block.write(text, at)
}

/** Beyond eight gigabytes as GNU tar does it, which every engine reads. */
function writeSize(block: Buffer, size: number): void {
  if (size <= maxOctalSize) {
    block.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
    return
  }
  block[124] = 0x80
  block.writeBigUInt64BE(BigInt(size), 128)
}
