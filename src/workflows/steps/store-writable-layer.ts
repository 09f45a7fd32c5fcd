import type { ContainerInspect } from '../../engine/api-types.ts'
import { storeCommit, toCaptured, type CapturedImage, type ImageSource, type WritableLayerCapture } from './capture-image.ts'
import type { OriginalImage } from './capture-original.ts'
import { mergeWritableLayers } from './merge-writable-layers.ts'

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
    case 'committed':
      return await storeCommit(source, layer.ref, container, layer.changed === undefined ? imageTags : [])
    case 'unchanged': {
      const { descriptor, facts } = layer
      return { descriptor, facts, report: { descriptor, id: facts.id, how: 'stored before', layers: 0, newLayers: 0, readBytes: 0 } }
    }
    case 'empty':
      return writableLayers === 0 ? undefined : toCaptured(made.report, 'commit', [], container.Name.slice(1))
  }
}
