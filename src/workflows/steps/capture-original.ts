import type { ImageInspect } from '../../engine/api-types.ts'
import { familiarName, isImageId } from '../../engine/image-reference.ts'
import { nameOf, type ContainerRecord } from '../../engine/spec/spec-record.ts'
import { readImage } from '../../store/image-store.ts'
import { toCaptured, transferring, writableLayerComment, type CapturedImage, type ImageSource } from './capture-image.ts'
import { findImageByName } from './image-names.ts'
import { isImageLost } from './lost-image.ts'
import { historyOf } from './merge-writable-layers.ts'
import { storeImage } from './store-image.ts'

export type Original = OriginalImage | { readonly lost: string }

export type OriginalImage = {
  /** What the container was created from. */
  readonly made: CapturedImage
  /** Of its layers, from the top, those that a restore brought: they were writable layers in earlier lives of the container. */
  readonly writableLayers: number
  /** The image under all of these; the same one when there are none. Undefined when no name leads to it any more. */
  readonly original: CapturedImage | undefined
}

/** The image that the container was created from, and the original one under its names. `lost` says why it cannot be had any more. */
export async function captureOriginal(source: ImageSource, record: ContainerRecord): Promise<Original> {
  const { image, inspect } = record
  const container = nameOf(inspect)
  if (image === undefined) return { lost: `the image of container "${container}" is gone from the engine` }
  try {
    const report = await transferring(source, 'image', job => storeImage(job, inspect.Image))
    const made = toCaptured(report, 'original', namesOf(image, inspect.Config.Image), container)
    const below = await findBelow(source, record, image)
    const writableLayers = below === undefined ? await countWritableLayers(source, made) : layersOf(image).length - layersOf(below).length
    if (writableLayers === 0) return { made, writableLayers, original: made }
    return { made, writableLayers, original: below && (await captureBelow(source, below, record)) }
  } catch (thrown) {
    source.run.signal.throwIfAborted()
    if (isImageLost(thrown)) return { lost: `the image of container "${container}" is incomplete on the engine: ${(thrown as Error).message}` }
    throw thrown
  }
}

/** The image that Config.Image means, if the container's own is that one with more layers: create was given its name for a commit. */
export async function findBelow({ engine, run }: Pick<ImageSource, 'engine' | 'run'>, { inspect }: ContainerRecord, image: ImageInspect): Promise<ImageInspect | undefined> {
  const used = inspect.Config.Image
  const named = isImageId(used) ? undefined : await findImageByName(engine, used, run.signal)
  if (named === undefined || layersOf(named).length === 0 || layersOf(named).length >= layersOf(image).length) return undefined
  return layersOf(named).every((layer, at) => layer === layersOf(image)[at]) ? named : undefined
}

/** The container does not need it: one that cannot be had whole is left out. */
async function captureBelow(source: ImageSource, below: ImageInspect, { inspect }: ContainerRecord): Promise<CapturedImage | undefined> {
  try {
    return toCaptured(await transferring(source, 'original image', job => storeImage(job, below.Id)), 'original', namesOf(below, inspect.Config.Image), nameOf(inspect))
  } catch (thrown) {
    source.run.signal.throwIfAborted()
    if (!isImageLost(thrown)) throw thrown
    source.run.reporter.warn(`the original image "${inspect.Config.Image}" is incomplete on the engine, and not stored under its name: ${(thrown as Error).message}`)
    return undefined
  }
}

/** Where the name has moved on, the commits say it of themselves. */
async function countWritableLayers({ repository }: ImageSource, { descriptor }: CapturedImage): Promise<number> {
  const layers = historyOf((await readImage(repository.blobs, descriptor)).config).filter(({ empty_layer: isEmpty }) => isEmpty !== true)
  const other = [...layers].reverse().findIndex(({ comment }) => comment !== writableLayerComment)
  return other < 0 ? 0 : other
}

function layersOf({ RootFS }: ImageInspect): readonly string[] {
  return RootFS.Layers ?? []
}

/** The image's own names, first the one the container was created by if it still means this image. */
export function namesOf({ RepoTags }: ImageInspect, used: string): string[] {
  const tags = (RepoTags ?? []).filter(tag => tag !== '<none>:<none>')
  return isImageId(used) ? tags : [...new Set([...tags.filter(tag => tag === familiarName(used)), ...tags])]
}
