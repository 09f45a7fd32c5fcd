import type { JsonObject } from '../../engine/api-types.ts'
import type { SourceImage } from './source-image.ts'

/** An image of the lowest layers of another one, with nothing else of it but its platform. With all of them, or where its config is not known before, it is that image. */
export function lowerLayers(image: SourceImage, length: number): SourceImage {
  if (image.config === undefined || length === image.diffIds.length) return image
  const { architecture, os, variant } = JSON.parse(image.config.toString()) as JsonObject
  const diffIds = image.diffIds.slice(0, length)
  const config = Buffer.from(JSON.stringify({ architecture, os, variant, config: {}, rootfs: { type: 'layers', diff_ids: diffIds } }))
  return {
    ...image,
    diffIds,
    config,
    blobs: image.blobs?.slice(0, length),
    read(wanted, signal) {
      const reading = image.read(wanted, signal)
      return { members: reading.members, documents: () => ({ config, layers: reading.documents().layers.slice(0, length) }) }
    },
  }
}
