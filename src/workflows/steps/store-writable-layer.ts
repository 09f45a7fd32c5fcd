import { toLayerPath } from '../../archive/layer-cover.ts'
import { TarScanner } from '../../archive/tar-scanner.ts'
import type { ContainerInspect } from '../../engine/api-types.ts'
import { readImage } from '../../store/image-store.ts'
import { storeCommit, toCaptured, type CapturedImage, type ImageSource, type WritableLayerCapture } from './capture-image.ts'
import type { OriginalImage } from './capture-original.ts'
import { mergeWritableLayers, openLayer } from './merge-writable-layers.ts'

export type StoreWritableLayerJob = { readonly source: ImageSource; readonly container: ContainerInspect; readonly original: OriginalImage; readonly layer: WritableLayerCapture; readonly imageTags: readonly string[] }

/** All images of a container as they go into its backup, first the one that it is made from. */
export async function storeWritableLayer(job: StoreWritableLayerJob): Promise<CapturedImage[]> {
  const { source, container, original: { made, original, writableLayers }, layer, imageTags } = job
  const commit = await toCommit(job)
  return [
    ...(layer.changed === undefined ? [] : [await storeCommit(source, layer.changed, container, imageTags, 'changed')]),
    ...(commit === undefined ? [] : [await mergeWritableLayers(source, commit, made.report.layers - writableLayers)]),
    ...(original === undefined ? [] : [original]),
  ]
}

/** Undefined where the original image is all that there is. */
async function toCommit({ source, container, original: { made, writableLayers }, layer, imageTags }: StoreWritableLayerJob): Promise<CapturedImage | undefined> {
  switch (layer.how) {
    case 'committed': {
      const commit = await storeCommit(source, layer.ref, container, layer.changed === undefined ? imageTags : [])
      if (layer.isUntold !== true || (await holdsMore(source, commit, made.report.layers, container))) return commit
      return emptyLayer(made, writableLayers, container)
    }
    case 'unchanged': {
      const { descriptor, facts } = layer
      return { descriptor, facts, report: { descriptor, id: facts.id, how: 'stored before', layers: 0, newLayers: 0, readBytes: 0 } }
    }
    case 'empty':
      return emptyLayer(made, writableLayers, container)
  }
}

function emptyLayer(made: CapturedImage, writableLayers: number, { Name }: ContainerInspect): CapturedImage | undefined {
  return writableLayers === 0 ? undefined : toCaptured(made.report, 'commit', [], Name.slice(1))
}

/** What this is at most, packed, when there is nothing in it but directories to mount something on. */
const mountPointsBytes = 64 * 1024

/** Whether the layers above the image's hold anything but directories that the engine made to mount something on, and makes again. */
async function holdsMore({ repository: { blobs } }: ImageSource, { descriptor, facts }: CapturedImage, below: number, { Mounts }: ContainerInspect): Promise<boolean> {
  if (facts.role !== 'commit') return true
  const own = (await readImage(blobs, descriptor)).layers.slice(below)
  if (own.some(layer => layer.descriptor.size > mountPointsBytes)) return true
  let holds = false
  const scanner = () => new TarScanner({ onEntry: ({ name, type }) => (holds ||= type !== '5' || !Mounts.some(({ Destination }) => Destination === `/${toLayerPath(name)}`)) })
  for (const layer of own) {
    const tar = scanner()
    for await (const bytes of openLayer(blobs, layer.descriptor)()) tar.scan(bytes)
    tar.end()
  }
  return holds
}
