import type { ImageInspect } from '../../engine/api-types.ts'
import { mostManifestBytes, parseIndex, parseManifest } from '../../store/documents.ts'
import { parseImageConfig } from '../../store/image-store.ts'
import type { Descriptor, Digest, Manifest } from '../../store/oci.ts'

/** The inspected image's own documents. Classic engines have no manifest of an image. */
export type ChosenImage = { readonly config: Buffer; readonly manifest?: { readonly bytes: Buffer; readonly parsed: Manifest } }

/**
 * Finds the inspected image among all that an engine saved with it: the containerd store sends every platform that it has.
 * Undefined when its config is not there. Throws `damaged`.
 */
export function chooseImage(documents: ReadonlyMap<Digest, Buffer>, inspected: ImageInspect): ChosenImage | undefined {
  const own = documents.get(inspected.Id as Digest)
  if (own !== undefined && 'rootfs' in (JSON.parse(own.toString()) as object)) return isInspected(own, inspected) ? { config: own } : undefined
  for (const digest of manifestsOf(documents, inspected.Id as Digest)) {
    const bytes = documents.get(digest)
    if (bytes === undefined || bytes.length > mostManifestBytes) continue
    const parsed = parseManifest(bytes, `manifest "${digest}" of the saved image`)
    const config = documents.get(parsed.config.digest)
    if (config !== undefined && isInspected(config, inspected)) return { config, manifest: { bytes, parsed } }
  }
  return undefined
}

/** The original manifest, if what it names is what was stored and every engine can pull it. */
export function keptManifest({ manifest }: ChosenImage, layers: readonly Descriptor[]): { bytes: Buffer; mediaType: string } | undefined {
  if (manifest === undefined) return undefined
  const { bytes, parsed } = manifest
  const isStored = parsed.layers.length === layers.length && layers.every(({ digest }, at) => parsed.layers[at]?.digest === digest)
  const isPlain = parsed.artifactType === undefined && parsed.layers.every(({ mediaType }) => mediaType.endsWith('gzip'))
  return isStored && isPlain ? { bytes, mediaType: parsed.mediaType } : undefined
}

/** The manifest of this digest, or those of the index of this digest. */
function manifestsOf(documents: ReadonlyMap<Digest, Buffer>, digest: Digest): readonly Digest[] {
  const bytes = documents.get(digest)
  if (bytes === undefined) return []
  if (!('manifests' in (JSON.parse(bytes.toString()) as object))) return [digest]
  return parseIndex(bytes, `index "${digest}" of the saved image`).manifests.map(child => child.digest)
}

function isInspected(config: Buffer, { Os, Architecture, Variant = '', RootFS }: ImageInspect): boolean {
  const { platform: { os, architecture, variant = '' }, diffIds } = parseImageConfig(config)
  return os === Os && architecture === Architecture && variant === Variant && diffIds.join() === (RootFS.Layers ?? []).join()
}
