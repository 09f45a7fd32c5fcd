import type { BlobReader } from './blob-reader.ts'
import { digestOf, isDigest } from './digest.ts'
import { mostConfigBytes, notA, parseObject, readManifest } from './documents.ts'
import type { Descriptor, Digest, Manifest, Platform } from './oci.ts'

export type StoredImage = {
  readonly manifest: Manifest
  readonly config: Buffer
  readonly platform: Platform
  /** From the bottom. */
  readonly layers: readonly { readonly diffId: Digest; readonly descriptor: Descriptor }[]
}

/** An image out of any place that has its blobs. */
export async function readImage(blobs: BlobReader, descriptor: Pick<Descriptor, 'digest'>): Promise<StoredImage> {
  const manifest = await readManifest(blobs, descriptor)
  const config = await blobs.read(manifest.config.digest, { maxBytes: mostConfigBytes })
  const { platform, diffIds } = parseImageConfig(config)
  if (diffIds.length !== manifest.layers.length) throw notA(`image manifest "${descriptor.digest}"`, 'one of its config')
  const layers = manifest.layers.flatMap((layer, at) => {
    const diffId = diffIds[at]
    return diffId === undefined ? [] : [{ diffId, descriptor: layer }]
  })
  return { manifest, config, platform, layers }
}

/** Throws `damaged` for what is not an image's config. */
export function parseImageConfig(bytes: Buffer): { readonly platform: Platform; readonly diffIds: readonly Digest[] } {
  const what = `image config "${digestOf(bytes)}"`
  const { os, architecture, variant, rootfs } = parseObject(bytes, what) as { os?: unknown; architecture?: unknown; variant?: unknown; rootfs?: { diff_ids?: unknown } }
  if (typeof os !== 'string' || typeof architecture !== 'string') throw notA(what, 'for any platform')
  const diffIds = rootfs?.diff_ids ?? []
  if (!Array.isArray(diffIds) || !diffIds.every(isDigest)) throw notA(what, 'sound: its layers are not named by digests')
  return { platform: { os, architecture, ...(typeof variant === 'string' && variant !== '' ? { variant } : {}) }, diffIds }
}
