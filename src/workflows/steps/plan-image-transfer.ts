import { openSourceImage } from './source-image.ts'
import { findOnTarget, type StreamImageJob } from './stream-image.ts'
import { layersOnTarget } from './target-layers.ts'

export type ImageTransferPlan = {
  /** Its id on the source. */
  readonly id: string
  readonly layers: number
  readonly presentLayers: number
  /** What the missing layers take on their way; estimated from what they hold unpacked unless it is exact. */
  readonly sendBytes: number
  readonly isExact: boolean
  readonly notes: readonly string[]
}

/** What streamImage would send. It sends nothing, but asks a containerd store by an image that is removed again. */
export async function planImageTransfer(job: Omit<StreamImageJob, 'transfer'>, ref: string): Promise<ImageTransferPlan> {
  const { run, target, signal } = job
  const image = await openSourceImage(job, ref)
  const { id, diffIds } = image
  if ((await findOnTarget(target, image, signal)) !== undefined) return { id, layers: diffIds.length, presentLayers: diffIds.length, sendBytes: 0, isExact: true, notes: [] }
  await using known = await layersOnTarget({ engine: target, journal: run.journal, run: run.id, signal }, image)
  const missing = diffIds.filter((_, at) => known.present[at] === undefined)
  const { bytes, isExact } = await image.sizes(new Set(missing))
  return { id, layers: diffIds.length, presentLayers: diffIds.length - missing.length, sendBytes: bytes, isExact, notes: known.notes }
}
