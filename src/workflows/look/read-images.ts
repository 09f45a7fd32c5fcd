import { childAnnotationNames } from '../../store/backup-summary.ts'
import type { BlobReader } from '../../store/blob-reader.ts'
import { readImage } from '../../store/image-store.ts'
import type { Descriptor } from '../../store/oci.ts'

export type ImageFacts = { readonly role: string; readonly names: readonly string[]; readonly platform: string; readonly layers: number; /** As stored. */ readonly bytes: number; readonly digest: string }

/** What a backup's index and manifests say of its images. */
export async function readImageFacts(blobs: BlobReader, images: readonly Descriptor[]): Promise<ImageFacts[]> {
  return await Promise.all(images.map(async image => {
    const { platform, layers } = await readImage(blobs, image)
    return {
      role: image.annotations?.[childAnnotationNames.imageRole] ?? 'image',
      names: namesOf(image.annotations?.[childAnnotationNames.imageNames]),
      platform: [platform.os, platform.architecture].join('/'),
      layers: layers.length,
      bytes: layers.reduce((sum, layer) => sum + layer.descriptor.size, 0),
      digest: image.digest,
    }
  }))
}

function namesOf(text: string | undefined): string[] {
  const value: unknown = text === undefined ? [] : JSON.parse(text)
  return Array.isArray(value) ? value.map(String) : []
}
