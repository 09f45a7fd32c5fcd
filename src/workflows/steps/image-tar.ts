import { createHash } from 'node:crypto'
import { Transform, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { decompressStream } from '../../archive/decompress-stream.ts'
import { writeImageArchive, type ImageArchiveMember } from '../../archive/write-image-archive.ts'
import type { EngineFacts } from '../../engine/engine.ts'
import { hasApi } from '../../engine/spec/api-version.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { BlobReader } from '../../store/blob-reader.ts'
import { digestOf, hexOf } from '../../store/digest.ts'
import type { StoredImage } from '../../store/image-store.ts'
import { mediaTypes, type Descriptor, type Digest } from '../../store/oci.ts'
import type { ImageContent } from './image-match.ts'
import type { TemporaryTag } from './temporary-tag.ts'

/** An image with its manifest as it is stored. */
export type ImageToLoad = StoredImage & { readonly descriptor: Descriptor; readonly manifestBytes: Buffer }

export type ImageTar = {
  /** Of all members, without the tar's own blocks; undefined where that shows only as they pass. */
  readonly bytes: number | undefined
  readonly sentLayers: number
  /** What the engine should make of it; known when it has been read to its end. */
  image(): ImageContent & { readonly descriptor: Descriptor }
  /** To be called once. `onBytes` is told as members are read, `onComplete` when the last one has been. */
  open(onBytes: (bytes: number) => void, onComplete: () => void): Readable
}

export type SmallMember = { readonly name: string; readonly size: number; readonly body: Buffer }
type Member = SmallMember | { readonly name: string; readonly size: number; readonly open: () => Readable }
type Layer = StoredImage['layers'][number]

/**
 * The tar that gives the image its temporary name. Layers that are present are left out of it; the others go as they are
 * stored, but zstd goes plain to an engine that does not know it. Throws `damaged` for a layer that cannot be decompressed.
 */
export async function planImageTar(blobs: BlobReader, facts: EngineFacts, image: ImageToLoad, isPresent: readonly boolean[], tag: TemporaryTag, signal: AbortSignal): Promise<ImageTar> {
  const isOld = !readsZstd(facts)
  const pathOf = ({ diffId, descriptor }: Layer): string => blobPath(isOld && isZstd(descriptor) ? diffId : descriptor.digest)
  const missing = image.layers.filter((_, at) => isPresent[at] !== true)
  const layers = new Map<string, Member>()
  for (const layer of missing) {
    const name = pathOf(layer)
    if (layers.has(name)) continue
    layers.set(name, isOld && isZstd(layer.descriptor) ? await plainMember(blobs, layer, name, signal) : storedMember(blobs, layer, name))
  }
  const members = [...layers.values(), ...closingMembers(facts, image, image.layers.map(pathOf), tag)]
  return {
    bytes: members.reduce((sum, { size }) => sum + size, 0),
    sentLayers: missing.length,
    image: () => image,
    open: (onBytes, onComplete) => writeImageArchive(opened(members, onBytes, onComplete)),
  }
}

/** Before 23.0 an engine does not know zstd. */
export function readsZstd(facts: Pick<EngineFacts, 'apiVersion'>): boolean {
  return hasApi(facts, '1.42')
}

/** The members that say what the others are. They come last, so that a tar that was cut is never taken for a whole one. */
export function closingMembers(facts: EngineFacts, image: { readonly config: Buffer; readonly descriptor: Descriptor; readonly manifestBytes: Buffer }, layerPaths: readonly string[], tag: Pick<TemporaryTag, 'ref' | 'repo' | 'tag'>): SmallMember[] {
  const config = { name: blobPath(digestOf(image.config)), size: image.config.length, body: image.config }
  const legacy = jsonMember('manifest.json', [{ Config: config.name, RepoTags: [tag.ref], Layers: layerPaths }])
  return [config, ...(facts.store === 'containerd' ? ociMembers(image, tag) : []), legacy]
}

/** The OCI part of an archive: this manifest or index under the temporary name. */
export function ociMembers({ descriptor, manifestBytes }: { readonly descriptor: Descriptor; readonly manifestBytes: Buffer }, { repo, tag }: Pick<TemporaryTag, 'repo' | 'tag'>): SmallMember[] {
  const { mediaType, digest, size } = descriptor
  const annotations = { 'io.containerd.image.name': `docker.io/library/${repo}:${tag}`, 'org.opencontainers.image.ref.name': tag }
  return [
    { name: blobPath(digest), size, body: manifestBytes },
    jsonMember('oci-layout', { imageLayoutVersion: '1.0.0' }),
    jsonMember('index.json', { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [{ mediaType, digest, size, annotations }] }),
  ]
}

export function blobPath(digest: Digest): string {
  return `blobs/sha256/${hexOf(digest)}`
}

function* opened(members: readonly Member[], onBytes: (bytes: number) => void, onComplete: () => void): Generator<ImageArchiveMember> {
  for (const member of members) {
    const { name, size } = member
    if ('body' in member) onBytes(size)
    yield 'body' in member ? member : { name, size, body: counted(member.open(), onBytes) }
  }
  onComplete()
}

/** Fails as the source does, and closes it. */
function counted(source: Readable, onBytes: (bytes: number) => void): Readable {
  const counting = new Transform({
    transform(piece: Buffer, _, done) {
      onBytes(piece.length)
      done(null, piece)
    },
  })
  pipeline(source, counting).catch(() => undefined)
  return counting
}

function storedMember(blobs: BlobReader, { descriptor: { digest, size } }: Layer, name: string): Member {
  return { name, size, open: () => blobs.openRead(digest, { size }) }
}

/** Read twice: the tar wants the size first, and no copy is made. */
async function plainMember(blobs: BlobReader, { diffId, descriptor: { digest, size } }: Layer, name: string, signal: AbortSignal): Promise<Member> {
  const hash = createHash('sha256')
  let plainBytes = 0
  await pipeline(blobs.openRead(digest, { size }), decompressStream('zstd'), async (plain: AsyncIterable<Buffer>) => {
    for await (const piece of plain) {
      hash.update(piece)
      plainBytes += piece.length
    }
  }, { signal })
  const found = `sha256:${hash.digest('hex')}`
  if (found !== diffId) throw new DrayError('damaged', `layer "${digest}" should hold "${diffId}" and holds "${found}"`)
  const open = (): Readable => {
    const plain = decompressStream('zstd')
    pipeline(blobs.openRead(digest, { size }), plain).catch(() => undefined)
    return plain
  }
  return { name, size: plainBytes, open }
}

export function isZstd({ mediaType }: Pick<Descriptor, 'mediaType'>): boolean {
  return /[+.]zstd$/.test(mediaType)
}

function jsonMember(name: string, value: unknown): SmallMember {
  const body = Buffer.from(JSON.stringify(value))
  return { name, size: body.length, body }
}
