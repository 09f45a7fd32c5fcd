/** An image on a containerd store, of which single blobs can be had: a question about them is an image, and that can be saved. */
import { archiveFiles, readSmallMember } from '../../archive/image-archive.ts'
import type { ImageInspect } from '../../engine/api-types.ts'
import { mostConfigBytes, mostManifestBytes, parseManifest } from '../../store/documents.ts'
import { mediaTypes, type Digest } from '../../store/oci.ts'
import { parseImageConfig } from '../../store/stored-image.ts'
import { knowsAvailability } from './image-match.ts'
import { blobPath, isZstd } from './image-tar.ts'
import { IncompleteImage } from './lost-image.ts'
import { probeBlobs, type ProbeJob } from './probe-blobs.ts'
import { proved } from './proved.ts'
import type { LayerBlob, SourceImage, SourceJob } from './source-image.ts'

/** Undefined where the engine cannot say what it holds. Throws IncompleteImage when the image lacks a part. */
export async function openContentImage({ run, source: engine, signal }: SourceJob, inspected: ImageInspect, diffIds: readonly Digest[]): Promise<SourceImage | undefined> {
  if (!knowsAvailability(engine)) return undefined
  const job: ProbeJob = { engine, journal: run.journal, run: run.id, signal }
  const found = await engine.images.inspect(inspected.Id, { signal, manifests: true })
  const descriptor = manifestOf(found)
  if (descriptor === undefined) return undefined
  const { digest, mediaType } = descriptor
  const bytes = await readDocument(job, descriptor, mostManifestBytes)
  const manifest = parseManifest(bytes, `manifest "${digest}"`)
  const config = await readDocument(job, manifest.config, mostConfigBytes)
  if (parseImageConfig(config).diffIds.join() !== diffIds.join() || manifest.layers.length !== diffIds.length) return undefined
  const blobs = manifest.layers
  const wantedBlobs = (wanted: ReadonlySet<Digest>): LayerBlob[] => {
    const unique = new Map(blobs.flatMap((blob, at) => (wanted.has(diffIds[at] ?? blob.digest) ? [[blob.digest, blob] as const] : [])))
    return [...unique.values()]
  }
  return {
    id: inspected.Id,
    inspected,
    diffIds,
    blobs,
    mayBeCompressed: true,
    config,
    sizes: wanted => Promise.resolve({ bytes: wantedBlobs(wanted).reduce((sum, { size }) => sum + size, 0), isExact: true }),
    read(wanted, reading) {
      const chosen = wantedBlobs(wanted)
      async function* members() {
        for await (const { blob, body } of readBlobs({ ...job, signal: reading }, chosen)) yield { path: blobPath(blob.digest), size: blob.size, isZstd: isZstd(blob), body }
      }
      const layers = blobs.map((blob, at) => ({ diffId: diffIds[at] ?? blob.digest, blob, path: blobPath(blob.digest) }))
      return { members: members(), documents: () => ({ config, manifest: { bytes, mediaType }, layers }) }
    },
  }
}

/** Small blobs of a containerd store. Those that are not there are left out. */
export async function readDocuments(job: ProbeJob, blobs: readonly LayerBlob[], maxBytes: number): Promise<ReadonlyMap<Digest, Buffer>> {
  const documents = new Map<Digest, Buffer>()
  for await (const { blob, body } of readBlobs(job, blobs, 'some')) documents.set(blob.digest, await readSmallMember(blob.digest, blob.size, body, maxBytes))
  return documents
}

/** The manifest for the platform that inspect describes. */
export function manifestOf({ Os, Architecture, Variant = '', Manifests = [] }: ImageInspect): LayerBlob | undefined {
  const ofPlatform = Manifests.filter(({ Kind, ImageData }) => Kind === 'image' && ImageData?.Platform.os === Os && ImageData.Platform.architecture === Architecture)
  return (ofPlatform.find(({ ImageData }) => (ImageData?.Platform.variant ?? '') === Variant) ?? ofPlatform[0])?.Descriptor
}

async function readDocument(job: ProbeJob, blob: LayerBlob, maxBytes: number): Promise<Buffer> {
  const bytes = (await readDocuments(job, [blob], maxBytes)).get(blob.digest)
  if (bytes === undefined) throw incomplete(job, blob)
  return bytes
}

/** Blobs in any order. They are asked for as plain layers: of a manifest the engine would send all that it names. */
async function* readBlobs(job: ProbeJob, blobs: readonly LayerBlob[], needed: 'all' | 'some' = 'all'): AsyncGenerator<{ readonly blob: LayerBlob; readonly body: AsyncIterable<Buffer> }> {
  if (blobs.length === 0) return
  await using probe = await probeBlobs(job, blobs.map(({ digest, size }) => ({ mediaType: mediaTypes.layer, digest, size })))
  const missing = blobs.find(({ digest }) => !probe.available.has(digest))
  if (missing !== undefined && needed === 'all') throw incomplete(job, missing)
  const left = new Map(blobs.filter(({ digest }) => probe.available.has(digest)).map(blob => [blobPath(blob.digest), blob]))
  if (left.size === 0) return
  for await (const { name, body } of archiveFiles(await job.engine.images.save(probe.ref, { signal: job.signal }), job.signal)) {
    const blob = left.get(name)
    if (blob === undefined) continue
    yield { blob, body: proved(body, blob.digest) }
    left.delete(name)
  }
  const [lost] = left.values()
  if (lost !== undefined) throw incomplete(job, lost)
}

function incomplete({ engine }: ProbeJob, { digest }: LayerBlob): IncompleteImage {
  return new IncompleteImage(`the engine at "${engine.address}" does not hold "${digest}", which the image needs`)
}
