import { childAnnotationNames } from './backup-summary.ts'
import { readIndex } from './documents.ts'
import { mediaTypes, type Descriptor, type Digest, type Platform } from './oci.ts'
import type { Repository } from './repository.ts'
import { readImage } from './stored-image.ts'

export type KnownImage = {
  readonly descriptor: Descriptor
  /** What an engine may call it: the ids that it had, its manifest's and its config's digest. */
  readonly ids: Set<string>
  readonly platform: Platform
  readonly diffIds: readonly Digest[]
}

/** The layers by diffID and the images by their manifests' digests. */
export type KnownImages = { readonly layers: Map<Digest, Descriptor>; readonly images: Map<Digest, KnownImage> }

/** Those of all backups. What cannot be read is not known, and stored again. */
export async function readKnownImages(repository: Repository): Promise<KnownImages> {
  const known: KnownImages = { layers: new Map(), images: new Map() }
  const broken = new Set<Digest>()
  for (const listed of (await repository.readIndex()).manifests) {
    if (listed.artifactType !== mediaTypes.backup) continue
    const children = await readIndex(repository.blobs, listed).then(({ manifests }) => manifests, () => [])
    for (const child of children) {
      if (child.artifactType !== undefined || broken.has(child.digest)) continue
      const image = known.images.get(child.digest) ?? (await readKnownImage(repository, child, known))
      const id = child.annotations?.[childAnnotationNames.imageId]
      if (image === undefined) broken.add(child.digest)
      else if (id !== undefined) image.ids.add(id)
    }
  }
  return known
}

async function readKnownImage({ blobs }: Repository, { mediaType, digest, size }: Descriptor, known: KnownImages): Promise<KnownImage | undefined> {
  const image = await readImage(blobs, { digest }).catch(() => undefined)
  if (image === undefined) return undefined
  for (const { diffId, descriptor } of image.layers) known.layers.set(diffId, asOciLayer(descriptor))
  const ids = new Set<string>([digest, image.manifest.config.digest])
  const found = { descriptor: { mediaType, digest, size }, ids, platform: image.platform, diffIds: image.layers.map(({ diffId }) => diffId) }
  known.images.set(digest, found)
  return found
}

/** Docker's own media type of a layer stands in manifests that were kept as they came; manifests of ours are OCI's. */
function asOciLayer({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType: mediaType.endsWith('gzip') ? mediaTypes.layerGzip : mediaType.endsWith('zstd') ? mediaTypes.layerZstd : mediaType, digest, size }
}
