import type { ImageInspect } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { isDigest } from '../../store/digest.ts'
import type { Descriptor, Digest } from '../../store/oci.ts'
import type { Run } from '../run.ts'
import { openArchivedImage } from './archived-image.ts'
import { openContentImage } from './content-image.ts'
import { openLayerStoreImage } from './layer-store-image.ts'

export type LayerBlob = Pick<Descriptor, 'mediaType' | 'digest' | 'size'>

/** A layer on its way: the name that it gets in a tar, and bytes that prove themselves at their end. */
export type LayerMember = { readonly path: string; readonly size: number; readonly isZstd: boolean; readonly body: AsyncIterable<Buffer> }

/** `path` is the one of the member that held it. */
export type PlacedLayer = { readonly diffId: Digest; readonly blob: LayerBlob; readonly path: string }

/** What an image is made of. The manifest is the one it has on its engine; classic engines have none. */
export type ImageDocuments = { readonly config: Buffer; readonly manifest?: { readonly bytes: Buffer; readonly mediaType: string }; readonly layers: readonly PlacedLayer[] }

export type Reading = {
  /** To be run through once; each body is dead when the next one is asked for. */
  readonly members: AsyncIterable<LayerMember>
  /** Proved, and known when the members have ended. Throws IncompleteImage. */
  documents(): ImageDocuments
}

/** An image where it comes from, opened so that layers of it can be read. */
export interface SourceImage {
  /** Its id there, which names it for good. */
  readonly id: string
  readonly inspected: ImageInspect
  /** From the bottom. */
  readonly diffIds: readonly Digest[]
  /** What its layers are there, where that is known before they are read. */
  readonly blobs: readonly LayerBlob[] | undefined
  /** A containerd store holds layers as they came; a classic engine has all of them plain. */
  readonly mayBeCompressed: boolean
  /** Its config, where that is known before its layers are read. */
  readonly config: Buffer | undefined
  /** Bytes of these layers as they would be read. Not exact where an engine tells only how much its layers hold unpacked. */
  sizes(wanted: ReadonlySet<Digest>): Promise<{ readonly bytes: number; readonly isExact: boolean }>
  /** The layers that are wanted, each once and in any order; others may come too where the source cannot tell them apart. */
  read(wanted: ReadonlySet<Digest>, signal: AbortSignal): Reading
}

export type SourceJob = { readonly run: Run; readonly source: Engine; readonly signal: AbortSignal }

/** By the best way there is: single layers out of the engine's own store, or else all that `docker save` gives. */
export async function openSourceImage(job: SourceJob, ref: string): Promise<SourceImage> {
  const { source, signal } = job
  const found = await source.images.inspect(ref, { signal })
  const opened = (await openLayerStoreImage(job, found, diffIdsOf(found))) ?? (await openContentImage(job, found, diffIdsOf(found)))
  return opened ?? openSavedImage(job, found)
}

/** The way that every engine has. */
export function openSavedImage({ source, signal }: SourceJob, inspected: ImageInspect): SourceImage {
  return openArchivedImage(source, inspected, diffIdsOf(inspected), reading => source.images.save(inspected.Id, { signal: reading }), signal)
}

export function diffIdsOf({ Id, RootFS }: ImageInspect): Digest[] {
  const diffIds = RootFS.Layers ?? []
  if (!diffIds.every(isDigest)) throw new DrayError('refused', `image "${Id}" has layers that are not named by sha256 digests`)
  return diffIds
}
