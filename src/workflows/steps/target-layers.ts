import type { ImageInspect } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import { unlessMissing } from '../../engine/unless-missing.ts'
import { mostManifestBytes, parseManifest } from '../../store/documents.ts'
import type { Digest } from '../../store/oci.ts'
import { manifestOf, readDocuments } from './content-image.ts'
import { knownPrefix } from './engine-layers.ts'
import { inspectImage, knowsAvailability } from './image-match.ts'
import { probeBlobs, type ProbeJob } from './probe-blobs.ts'
import type { LayerBlob, SourceImage } from './source-image.ts'

/** Per layer what a load may rely on. Keeps what it found from being collected until it is disposed. */
export type TargetLayers = AsyncDisposable & {
  readonly present: readonly (LayerBlob | 'by chain' | undefined)[]
  /** What is sent again although it seems to be there, with the reason. */
  readonly notes: readonly string[]
}

/**
 * Like layersOnEngine, and on a containerd store also other blobs of the same layers: what was pulled there is compressed, what
 * a classic engine sends is not. Which blob holds which layer is told by the manifests and configs of the images there.
 */
export async function layersOnTarget(job: ProbeJob, { diffIds, blobs, mayBeCompressed }: SourceImage): Promise<TargetLayers> {
  const { engine, signal } = job
  const length = await knownPrefix(engine, diffIds, signal)
  if (mayBeCompressed && blobs === undefined) return kept(diffIds.map(() => undefined), again(length, 'an engine with the containerd store tells only since API 1.48 which blob is which layer, before it has sent them'))
  if (engine.facts.store === 'graphdriver') return kept(diffIds.map((_, at) => (at < length ? 'by chain' : undefined)))
  if (!knowsAvailability(engine)) {
    return kept(diffIds.map(() => undefined), again(length, `"${engine.address}" (API ${engine.facts.apiVersion}) cannot say which blobs its store holds`))
  }
  if ((await engine.images.list({ signal })).length === 0) return kept(diffIds.map(() => undefined))
  const twins = await blobsOfLayers(job, new Set(diffIds))
  const candidates = diffIds.map((diffId, at) => [...(blobs?.[at] === undefined ? [] : [blobs[at]]), ...(twins.get(diffId) ?? [])])
  const asked = new Map(candidates.flat().map(blob => [blob.digest, blob]))
  if (asked.size === 0) return kept(diffIds.map(() => undefined))
  const probe = await probeBlobs(job, [...asked.values()])
  const present = candidates.map(each => each.find(({ digest }) => probe.available.has(digest)))
  const lost = present.slice(0, length).filter(blob => blob === undefined).length
  const notes = again(lost, `the store of "${engine.address}" holds them unpacked only, and could neither save nor push the image`)
  return { present, notes, [Symbol.asyncDispose]: () => probe[Symbol.asyncDispose]() }
}

function again(layers: number, why: string): string[] {
  return layers === 0 ? [] : [`${layers === 1 ? 'a layer that is there already is' : `${layers} layers that are there already are`} sent again: ${why}`]
}

function kept(present: TargetLayers['present'], notes: readonly string[] = []): TargetLayers {
  return { present, notes, [Symbol.asyncDispose]: () => Promise.resolve() }
}

/** What the manifests of the images there say of these layers. */
async function blobsOfLayers(job: ProbeJob, wanted: ReadonlySet<Digest>): Promise<ReadonlyMap<Digest, readonly LayerBlob[]>> {
  const images = await imagesWith(job.engine, wanted, job.signal)
  const descriptors = new Map(images.flatMap(image => {
    const descriptor = manifestOf(image)
    return descriptor === undefined ? [] : [[descriptor.digest, { descriptor, diffIds: image.RootFS.Layers ?? [] }] as const]
  }))
  const documents = await readDocuments(job, [...descriptors.values()].map(({ descriptor }) => descriptor), mostManifestBytes)
  const found = new Map<Digest, LayerBlob[]>()
  for (const [digest, { diffIds }] of descriptors) {
    const bytes = documents.get(digest)
    if (bytes === undefined) continue
    const { layers } = parseManifest(bytes, `manifest "${digest}"`)
    if (layers.length !== diffIds.length) continue
    for (const [at, diffId] of (diffIds as Digest[]).entries()) {
      const blob = layers[at]
      if (blob !== undefined && wanted.has(diffId)) found.set(diffId, [...(found.get(diffId) ?? []), blob])
    }
  }
  return found
}

async function imagesWith(engine: Engine, wanted: ReadonlySet<string>, signal: AbortSignal): Promise<ImageInspect[]> {
  const ids = new Set((await engine.images.list({ signal })).map(({ Id }) => Id))
  const found = await Promise.all([...ids].map(async id => unlessMissing(inspectImage(engine, id, signal))))
  return found.filter(image => image !== undefined).filter(({ RootFS }) => (RootFS.Layers ?? []).some(diffId => wanted.has(diffId)))
}
