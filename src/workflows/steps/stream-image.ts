/** Brings an image from engine to engine, sending only the layers that the target lacks. Nothing is kept on a disk of ours. */
import type { Engine } from '../../engine/engine.ts'
import { unlessMissing } from '../../engine/unless-missing.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { parseImageConfig } from '../../store/stored-image.ts'
import type { Transfer } from '../reporter.ts'
import type { Run } from '../run.ts'
import { isWhole } from './image-match.ts'
import { LayerStoreUnread } from './layer-store-image.ts'
import { findImage } from './load-image.ts'
import { notBrought, type LoadedImage } from './load-tar.ts'
import { sendInParts } from './send-in-parts.ts'
import { openSavedImage, openSourceImage, type SourceImage } from './source-image.ts'
import { layersOnTarget } from './target-layers.ts'

export type StreamImageJob = {
  readonly run: Run
  readonly source: Engine
  readonly target: Engine
  readonly transfer: Transfer
  readonly signal: AbortSignal
  /** Whether a lost connection is waited for, so that an image is sent on. Not while a container rests: that is to run again soon. */
  readonly sendsOn?: boolean
}

/** A way for an image from one engine to another. `ref` is an id or name:tag, never a bare repository name. */
export type ImageRoute = (job: StreamImageJob, ref: string) => Promise<LoadedImage>

/**
 * The image gets a temporary name on the target, and is read back and compared; no other name there is touched. The caller
 * removes the temporary name and settles its entry. Throws what isImageLost knows when the source does not have all of it, and
 * `refused` or `io-failed`, naming the image, for what the target did not take; nothing of it is left there then.
 */
export const streamImage: ImageRoute = async (job, ref) => {
  const { target, signal } = job
  signal.throwIfAborted()
  try {
    const image = await openSourceImage(job, ref)
    try {
      return await sendImage(job, image)
    } catch (thrown) {
      if (signal.aborted || !isUnread(thrown)) throw thrown
      const { notes, ...sent } = await sendImage(job, openSavedImage(job, image.inspected))
      return { ...sent, notes: [`the source's store was not as expected, so docker save was used: ${thrown.message}`, ...notes] }
    }
  } catch (thrown) {
    throw signal.aborted ? signal.reason : notBrought(thrown, ref, target)
  }
}

/** Sends an opened image, unless the target has it. */
export async function sendImage(job: StreamImageJob, image: SourceImage): Promise<LoadedImage> {
  const { run, target, signal } = job
  const there = await findOnTarget(target, image, signal)
  if (there !== undefined) return { id: there, sentLayers: 0, presentLayers: image.diffIds.length, sentBytes: 0, notes: [] }
  await using known = await layersOnTarget({ engine: target, journal: run.journal, run: run.id, signal }, image)
  const loaded = await sendInParts(job, image, known.present)
  return { ...loaded, notes: [...known.notes, ...loaded.notes] }
}

/** The target's id of the image, if it is there whole. */
export async function findOnTarget(target: Engine, { id, inspected, diffIds, config, mayBeCompressed }: SourceImage, signal: AbortSignal): Promise<string | undefined> {
  const layers = diffIds.map(diffId => ({ diffId }))
  if (config !== undefined) return await findImage(target, { config, layers, platform: parseImageConfig(config).platform }, signal)
  // two classic engines name an image by its config, which need not be known then
  if (mayBeCompressed || target.facts.store !== 'graphdriver') return undefined
  const found = await unlessMissing(target.images.inspect(id, { signal }))
  const platform = { os: inspected.Os, architecture: inspected.Architecture }
  return found?.Id === id && isWhole(target, { config: Buffer.alloc(0), platform, layers }, found) ? found.Id : undefined
}

/** What was read out of the source's own files was not what it should be. */
function isUnread(thrown: unknown): thrown is DrayError {
  for (let each = thrown; each instanceof DrayError; each = each.cause) if (each instanceof LayerStoreUnread) return true
  return false
}
