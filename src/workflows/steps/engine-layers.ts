import type { Engine } from '../../engine/engine.ts'
import { unlessMissing } from '../../engine/unless-missing.ts'
import type { Digest } from '../../store/oci.ts'
import type { StoredImage } from '../../store/stored-image.ts'
import { knowsAvailability } from './image-match.ts'
import { probeBlobs, type ProbeJob } from './probe-blobs.ts'

/** Per layer of an image whether a load may leave it out. Keeps what it found from being collected until it is disposed. */
export type PresentLayers = AsyncDisposable & { readonly isPresent: readonly boolean[] }

/**
 * Classic engines know layers by their chain from the bottom, so the longest beginning that any of their images has can be
 * left out. The containerd store runs an image whose blobs it lacks and cannot save it again, so there only blobs proved
 * present are left out, and none where the engine cannot say (ENGINE-FACTS 2.3).
 */
export async function layersOnEngine(job: ProbeJob, layers: StoredImage['layers']): Promise<PresentLayers> {
  const { engine, signal } = job
  if (engine.facts.store === 'graphdriver') {
    const length = await knownPrefix(engine, layers.map(({ diffId }) => diffId), signal)
    return { isPresent: layers.map((_, at) => at < length), [Symbol.asyncDispose]: () => Promise.resolve() }
  }
  const mayHaveSome = knowsAvailability(engine) && layers.length > 0 && (await engine.images.list({ signal })).length > 0
  if (!mayHaveSome) return { isPresent: layers.map(() => false), [Symbol.asyncDispose]: () => Promise.resolve() }
  const probe = await probeBlobs(job, layers.map(({ descriptor }) => descriptor))
  return { isPresent: layers.map(({ descriptor }) => probe.available.has(descriptor.digest)), [Symbol.asyncDispose]: () => probe[Symbol.asyncDispose]() }
}

/** How many layers from the bottom some image of an engine has. Layers that only a container holds do not show. */
export async function knownPrefix(engine: Engine, diffIds: readonly Digest[], signal: AbortSignal): Promise<number> {
  const ids = new Set((await engine.images.list({ all: true, signal })).map(({ Id }) => Id))
  const lengths = await Promise.all([...ids].map(async id => commonPrefix(diffIds, await layersOf(engine, id, signal))))
  return Math.max(0, ...lengths)
}

/** None of an image that has gone since it was listed. */
async function layersOf(engine: Engine, id: string, signal: AbortSignal): Promise<readonly string[]> {
  return (await unlessMissing(engine.images.inspect(id, { signal })))?.RootFS.Layers ?? []
}

function commonPrefix(wanted: readonly string[], found: readonly string[]): number {
  const different = wanted.findIndex((diffId, at) => found[at] !== diffId)
  return different < 0 ? wanted.length : different
}
