import { decompress, detectCompression } from '../../archive/decompress-stream.ts'
import type { LayerSource } from '../../archive/layer-members.ts'
import { mergeLayers } from '../../archive/merge-layers.ts'
import type { BlobReader } from '../../store/blob-reader.ts'
import { childAnnotationNames } from '../../store/backup-summary.ts'
import { digestOf } from '../../store/digest.ts'
import { readImage } from '../../store/image-store.ts'
import type { Descriptor } from '../../store/oci.ts'
import type { CapturedImage, ImageSource } from './capture-image.ts'
import { storeLayer } from './flatten-container.ts'

/** One that a restore brought, and one for what was written since: so the first, however large, is not stored again each night. */
const mostWritableLayers = 2

type HistoryEntry = { readonly empty_layer?: boolean; readonly comment?: string }
type ImageConfig = { readonly history?: readonly HistoryEntry[]; readonly rootfs: object }

/** How an image came about, from the bottom; entries that are not empty stand for its layers. */
export function historyOf(config: Buffer): readonly HistoryEntry[] {
  return (JSON.parse(config.toString()) as ImageConfig).history ?? []
}

/**
 * The stored commit with its writable layers merged into one when there are more than two, so that a container which is backed
 * up and restored again and again never comes near the 125 layers that engines take. `below` counts the original's layers.
 */
export async function mergeWritableLayers({ repository: { blobs }, images, run: { signal } }: ImageSource, commit: CapturedImage, below: number): Promise<CapturedImage> {
  const { layers, config } = await readImage(blobs, commit.descriptor)
  const writable = layers.slice(below)
  if (writable.length <= mostWritableLayers) return commit
  const kept = layers.slice(0, below)
  const toSource = ({ descriptor }: (typeof layers)[number]): LayerSource => openLayer(blobs, descriptor)
  const merged = await storeLayer(images, mergeLayers(writable.map(toSource), kept.map(toSource)), signal)
  const changed = withOneLayer(config, [...kept.map(({ diffId }) => diffId), merged.diffId], writable.length)
  const id = digestOf(changed)
  const stored = await images.putImage({ config: changed, layers: [...kept.map(({ descriptor }) => descriptor), merged.descriptor], engineId: id })
  const descriptor = { ...stored, annotations: { ...commit.descriptor.annotations, [childAnnotationNames.imageId]: id } }
  return { descriptor, facts: { ...commit.facts, digest: descriptor.digest, id }, report: { ...commit.report, descriptor, id, layers: below + 1 } }
}

function withOneLayer(config: Buffer, diffIds: readonly string[], layers: number): Buffer {
  const image = JSON.parse(config.toString()) as ImageConfig
  const history = [...historyOf(config)]
  const last = history.at(-1)
  for (let left = layers; left > 0 && history.length > 0; ) if (history.pop()?.empty_layer !== true) left--
  return Buffer.from(JSON.stringify({ ...image, rootfs: { ...image.rootfs, diff_ids: diffIds }, ...(last === undefined ? {} : { history: [...history, last] }) }))
}

/** The plain tar of a stored layer. */
export function openLayer(blobs: BlobReader, { digest, size }: Descriptor): LayerSource {
  return () => plain(blobs.openRead(digest, { size }))
}

async function* plain(blob: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const { compression, bytes } = await detectCompression(blob)
  yield* compression === 'none' ? bytes : decompress(compression, bytes)
}
