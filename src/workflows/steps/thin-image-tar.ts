/** The tar of an image that is written while its source is read: layers as they come, and at the end what they are. */
import { tellBytes } from '../../archive/tell-bytes.ts'
import { decompress } from '../../archive/decompress-stream.ts'
import { writeImageArchive, type ImageArchiveMember } from '../../archive/write-image-archive.ts'
import type { EngineFacts } from '../../engine/engine.ts'
import { digestOf } from '../../store/digest.ts'
import { mediaTypes, type Descriptor, type Digest } from '../../store/oci.ts'
import { parseImageConfig } from '../../store/stored-image.ts'
import { closingMembers, readsZstd, type ImageTar } from './image-tar.ts'
import { IncompleteImage } from './lost-image.ts'
import type { ImageDocuments, LayerBlob, LayerMember, SourceImage } from './source-image.ts'
import type { TemporaryTag } from './temporary-tag.ts'

export type ThinTarJob = {
  readonly source: SourceImage
  readonly facts: EngineFacts
  readonly tag: TemporaryTag
  readonly signal: AbortSignal
  /** Per layer what the target has of it and need not be sent. A classic engine that has a layer has it by its chain, not as a blob. */
  readonly present: readonly (LayerBlob | 'by chain' | undefined)[]
}

/** Of the image that it makes also the blobs that its manifest names, from the bottom. */
export type ThinTar = Omit<ImageTar, 'image'> & { image(): MadeImage }

/**
 * A tar that the target reads, whatever the source writes. What names the layers comes last, and only when each of them has
 * proved itself and the source its own end: a source that is cut or damaged never becomes an image.
 */
export async function planThinTar({ source, facts, tag, present, signal }: ThinTarJob): Promise<ThinTar> {
  const wanted = new Set(source.diffIds.filter((_, at) => present[at] === undefined))
  const plainSizes = readsZstd(facts) ? new Map<string, number>() : await plainSizesOf(source, wanted, signal)
  const { bytes, isExact } = await source.sizes(wanted)
  const pathOf = (path: string): string => (plainSizes.has(path) ? unpackedPath(path) : path)
  const made: MadeImage[] = []
  const stop = new AbortController()
  async function* members(onBytes: (bytes: number) => void, onComplete: () => void): AsyncGenerator<ImageArchiveMember> {
    const reading = source.read(wanted, AbortSignal.any([signal, stop.signal]))
    const sent = new Set<string>()
    for await (const member of reading.members) {
      if (sent.has(member.path)) continue
      yield toMember(member, plainSizes.get(member.path), onBytes)
      sent.add(member.path)
    }
    const documents = reading.documents()
    const lost = documents.layers.find(({ path, diffId }) => wanted.has(diffId) && !sent.has(path))
    if (lost !== undefined) throw new IncompleteImage(`the image came without its layer "${lost.diffId}"`)
    const image = imageOf(documents, present)
    made.push(image)
    for (const member of closingMembers(facts, image, documents.layers.map(({ path }) => pathOf(path)), tag)) {
      onBytes(member.size)
      yield member
    }
    onComplete()
  }
  return {
    bytes: isExact && plainSizes.size === 0 ? bytes : undefined,
    sentLayers: source.diffIds.filter(diffId => wanted.has(diffId)).length,
    image: () => {
      if (made[0] === undefined) throw new RangeError('the image is not known before it has been sent')
      return made[0]
    },
    open: (onBytes, onComplete) => writeImageArchive(members(onBytes, onComplete), () => stop.abort()),
  }
}

type MadeImage = ReturnType<ImageTar['image']> & { readonly manifestBytes: Buffer; readonly blobs: readonly LayerBlob[] }

/** With the source's own manifest, if its layers are what it names: then the image keeps its id on a containerd store. */
function imageOf({ config, manifest, layers }: ImageDocuments, present: ThinTarJob['present']): MadeImage {
  const blobs = layers.map(({ blob }, at) => {
    const there = present[at]
    return there === undefined || there === 'by chain' ? blob : there
  })
  const isAsItWas = layers.every(({ blob }, at) => blobs[at]?.digest === blob.digest)
  const { mediaType, bytes } = manifest !== undefined && isAsItWas ? manifest : makeManifest(config, blobs)
  const descriptor: Descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length }
  return { config, platform: parseImageConfig(config).platform, layers, blobs, descriptor, manifestBytes: bytes }
}

function makeManifest(config: Buffer, blobs: readonly LayerBlob[]): { readonly mediaType: string; readonly bytes: Buffer } {
  const layers = blobs.map(({ mediaType, digest, size }) => ({ mediaType: mediaType.endsWith('gzip') ? mediaTypes.layerGzip : mediaType.endsWith('zstd') ? mediaTypes.layerZstd : mediaTypes.layer, digest, size }))
  const made = { schemaVersion: 2, mediaType: mediaTypes.manifest, config: { mediaType: mediaTypes.imageConfig, digest: digestOf(config), size: config.length }, layers }
  return { mediaType: mediaTypes.manifest, bytes: Buffer.from(JSON.stringify(made)) }
}

function toMember({ path, size, isZstd, body }: LayerMember, plainBytes: number | undefined, onBytes: (bytes: number) => void): ImageArchiveMember {
  if (!isZstd || plainBytes === undefined) return { name: path, size, body: tellBytes(body, onBytes) }
  return { name: unpackedPath(path), size: plainBytes, body: tellBytes(decompress('zstd', body), onBytes) }
}

/** A blob's own name would be wrong for what is unpacked. */
function unpackedPath(path: string): string {
  return `${path.replace(/^blobs\/sha256\//, '')}/layer.tar`
}

/**
 * By path, of layers that are zstd, for an engine that does not read it. A tar wants the size of a member before it: these
 * layers are read twice, as nothing is to be kept on a disk.
 */
async function plainSizesOf(source: SourceImage, wanted: ReadonlySet<Digest>, signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>()
  const zstd = source.blobs === undefined ? wanted : new Set(source.diffIds.filter((diffId, at) => wanted.has(diffId) && source.blobs?.[at]?.mediaType.endsWith('zstd') === true))
  if (zstd.size === 0 || !source.mayBeCompressed) return sizes
  for await (const { path, isZstd, body } of source.read(zstd, signal).members) {
    if (!isZstd) continue
    let bytes = 0
    for await (const piece of decompress('zstd', body)) bytes += piece.length
    sizes.set(path, bytes)
  }
  return sizes
}
