import { writeImageArchive } from '../../archive/write-image-archive.ts'
import type { Engine } from '../../engine/engine.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { Journal } from '../../pipeline/journal.ts'
import { digestOf } from '../../store/digest.ts'
import { mediaTypes, type Descriptor, type Digest } from '../../store/oci.ts'
import { blobPath, ociMembers } from './image-tar.ts'
import { recordTemporaryTag, removeTemporaryTag } from './temporary-tag.ts'

export type ProbeJob = { readonly engine: Engine; readonly journal: Journal; readonly run: string; readonly signal: AbortSignal }

/** Holds the blobs against collection until it is disposed. An image of that name has those that are available. */
export type BlobProbe = AsyncDisposable & { readonly available: ReadonlySet<Digest>; readonly ref: string }

type Document = { readonly descriptor: Descriptor; readonly manifestBytes: Buffer }

/**
 * Asks a containerd store (API 1.48 and newer) which blobs it holds: an index with one manifest for each is loaded under a
 * temporary name, for platforms that do not exist, so that nothing is unpacked; inspecting it tells which are complete.
 * An engine that refuses the question has proved nothing.
 */
export async function probeBlobs(job: ProbeJob, blobs: readonly Pick<Descriptor, 'mediaType' | 'digest' | 'size'>[]): Promise<BlobProbe> {
  const { engine, signal } = job
  const tag = await recordTemporaryTag(job, 'probe')
  const remove = (): Promise<void> => removeTemporaryTag(job, tag)
  try {
    const questions = blobs.map(questionAbout)
    const index = document({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: questions.map(({ manifest }) => manifest.descriptor) }, mediaTypes.index)
    const documents = questions.flatMap(({ manifest, config }) => [manifest, config]).map(({ descriptor: { digest, size }, manifestBytes: body }) => ({ name: blobPath(digest), size, body }))
    await engine.images.load(writeImageArchive([...documents, ...ociMembers(index, tag)]), { signal })
    const { Manifests = [] } = await engine.images.inspect(tag.ref, { signal, manifests: true })
    const complete = new Set(Manifests.filter(({ Available }) => Available).map(({ ID }) => ID))
    const available = questions.flatMap(({ blob, manifest }) => (complete.has(manifest.descriptor.digest) ? [blob.digest] : []))
    return { available: new Set(available), ref: tag.ref, [Symbol.asyncDispose]: remove }
  } catch (thrown) {
    await remove()
    if (signal.aborted || !(thrown instanceof DrayError && ['refused', 'not-found'].includes(thrown.code))) throw thrown
    return { available: new Set(), ref: tag.ref, [Symbol.asyncDispose]: () => Promise.resolve() }
  }
}

function questionAbout(blob: Pick<Descriptor, 'mediaType' | 'digest' | 'size'>, at: number): { blob: { readonly digest: Digest }; manifest: Document; config: Document } {
  const platform = { os: 'probe', architecture: `probe${at}` }
  const config = document({ ...platform, rootfs: { type: 'layers', diff_ids: [blob.digest] } }, mediaTypes.imageConfig)
  const { mediaType, digest, size } = blob
  const manifest = document({ schemaVersion: 2, mediaType: mediaTypes.manifest, config: config.descriptor, layers: [{ mediaType, digest, size }] }, mediaTypes.manifest)
  return { blob, config, manifest: { ...manifest, descriptor: { ...manifest.descriptor, platform } } }
}

function document(value: unknown, mediaType: string): Document {
  const manifestBytes = Buffer.from(JSON.stringify(value))
  return { manifestBytes, descriptor: { mediaType, digest: digestOf(manifestBytes), size: manifestBytes.length } }
}
