import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { ByteSource } from '../../archive/byte-source.ts'
import { compressionOf, type Compression } from '../../archive/codec.ts'
import { decompressStream } from '../../archive/decompress-stream.ts'
import { blockBytes, isTarHeader } from '../../archive/tar-header.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { MemberTap } from '../../integrity/archive-members.ts'
import type { PassedFile } from '../../integrity/member.ts'
import { isDigest } from '../../store/digest.ts'
import type { ImageStore } from '../../store/image-store.ts'
import { mediaTypes, type Descriptor, type Digest } from '../../store/oci.ts'
import type { Repository } from '../../store/repository.ts'

const sinkBytes = 1024 * 1024
const otherType = 'application/octet-stream'

type Tapped = Awaited<ReturnType<MemberTap>> & { /** False when reading it stores nothing. */ readonly isNew: boolean }
type Stored = { readonly descriptor: Descriptor | undefined }

/**
 * Puts the files of an archive into the repository while they pass, those that it lacks: blobs as they are, layers that are not
 * compressed as the repository keeps layers. None of it belongs to a backup yet: the indexes of backups are not among it, as one
 * that is stored and not listed would be taken for a backup whose list is lost. A file that is not what its name says is not kept.
 */
export class ImportedMembers {
  /** By diffID: stored now, or known before. */
  readonly layers = new Map<Digest, Descriptor>()
  newBlobs = 0
  newBytes = 0
  readonly #repository: Repository
  readonly #images: ImageStore
  readonly #signal: AbortSignal

  constructor(repository: Repository, images: ImageStore, signal: AbortSignal) {
    this.#repository = repository
    this.#images = images
    this.#signal = signal
  }

  readonly tap = async (name: string, size: number, body: AsyncIterable<Buffer>): Promise<Tapped> => {
    const blob = digestInName(name)
    if (blob !== undefined && (await this.#repository.blobs.refresh(blob, size))) return this.#passing(body, member => this.#remember(member, { digest: blob, size }))
    const known = blob === undefined ? undefined : await this.#images.findLayer(blob)
    if (blob !== undefined && known !== undefined) {
      this.layers.set(blob, known)
      return this.#passing(body, () => undefined)
    }
    const input = new ByteSource(body)
    const head = await input.nextAtLeast(blockBytes)
    input.giveBack(head)
    const compression = compressionOf(head)
    if (head.subarray(0, blockBytes).includes(`"${mediaTypes.backup}"`)) return this.#passing(input.pieces(), () => undefined)
    const isBlobAsItIs = compression === 'gzip' || compression === 'zstd' || (blob !== undefined && compression === 'none' && !isLayer(head))
    if (isBlobAsItIs) return this.#storing(input, sink => this.#storeBlob(sink, blob, size, compression), blob)
    if (compression !== 'none' || isLayer(head)) return this.#storing(input, sink => this.#storeLayer(sink, compression), blob)
    return this.#passing(input.pieces(), () => undefined)
  }

  #passing(body: AsyncIterable<Buffer>, settle: (member: PassedFile) => void): Tapped {
    return {
      body, isNew: false,
      settle: member => {
        settle(member)
        return Promise.resolve()
      },
    }
  }

  /** It ends only when it is known what has passed. */
  #storing(input: ByteSource, store: (sink: PassThrough) => Promise<Stored>, blob: Digest | undefined): Tapped {
    const sink = new PassThrough({ highWaterMark: sinkBytes })
    const storing = store(sink)
    storing.catch(() => undefined)
    return {
      isNew: true,
      body: teed(input, sink, storing),
      settle: async member => {
        if (blob === undefined || member.digest === blob) sink.end()
        else sink.destroy(new DrayError('damaged', `"${member.name}" is not what its name says`))
        try {
          const { descriptor } = await storing
          if (descriptor !== undefined) this.#count(descriptor)
          if (descriptor !== undefined) this.#remember(member, descriptor)
        } catch (thrown) {
          // it is a finding of the check
          if (!(thrown instanceof DrayError) || thrown.code !== 'damaged') throw thrown
        }
      },
    }
  }

  async #storeBlob(sink: PassThrough, digest: Digest | undefined, size: number, compression: Compression): Promise<Stored> {
    const mediaType = compression === 'none' ? otherType : typeOf(compression)
    return { descriptor: await this.#repository.blobs.putStream(sink as AsyncIterable<Buffer>, mediaType, { size, ...(digest === undefined ? {} : { digest }) }) }
  }

  async #storeLayer(sink: PassThrough, compression: Compression): Promise<Stored> {
    const plain = compression === 'none' ? sink : sink.compose(decompressStream(compression)) as unknown as PassThrough
    const { diffId, descriptor } = await this.#images.putNewLayer(plain, async found => (await this.#images.findLayer(found)) === undefined, this.#signal)
    const layer = descriptor ?? (await this.#images.findLayer(diffId))
    if (layer !== undefined) this.layers.set(diffId, layer)
    return { descriptor }
  }

  #count({ size }: Descriptor): void {
    this.newBlobs++
    this.newBytes += size
  }

  #remember({ content }: PassedFile, { digest, size }: Pick<Descriptor, 'digest' | 'size'>): void {
    if (content.kind !== 'data' || content.plainDigest === undefined || !content.isTar || this.layers.has(content.plainDigest)) return
    if (content.compression === 'gzip' || content.compression === 'zstd') this.layers.set(content.plainDigest, { mediaType: typeOf(content.compression), digest, size })
  }
}

async function* teed(input: ByteSource, sink: PassThrough, storing: Promise<unknown>): AsyncGenerator<Buffer> {
  const ended = storing.then(() => undefined, () => undefined)
  for await (const piece of input.pieces()) {
    if (!sink.destroyed && !sink.write(piece)) await Promise.race([once(sink, 'drain'), ended])
    yield piece
  }
}

function digestInName(name: string): Digest | undefined {
  const digest = `sha256:${/^(?:\.?\/)?blobs\/sha256\/([0-9a-f]{64})$/.exec(name)?.[1] ?? ''}`
  return isDigest(digest) ? digest : undefined
}

/** A tar that is empty has no header: nothing, or zeros. */
function isLayer(head: Buffer): boolean {
  return head.length === 0 || isTarHeader(head) || (head.length >= blockBytes && head.subarray(0, blockBytes).every(byte => byte === 0))
}

function typeOf(compression: Compression): string {
  return compression === 'zstd' ? mediaTypes.layerZstd : mediaTypes.layerGzip
}
