import type { ContainerRecord } from '../engine/spec/spec-record.ts'
import { DrayError } from '../errors/dray-error.ts'
import type { Consistency, FreezeWay } from './steps/freeze.ts'

/** A mount of the container that the backup does not hold. */
export type LeftOutMount = {
  readonly destination: string
  readonly source: string
  readonly reason: string
  /** Whether it could be captured if it was asked for with --include. */
  readonly canBeAsked: boolean
  /** It was excluded by the user. */
  readonly isExcluded?: boolean
}

/** Which of a container's images a manifest in the backup is. No container is made from a `changed` one: it is the commit with other settings. */
export type ImageRole = 'original' | 'commit' | 'changed' | 'flattened'

export type StoredImageFacts = {
  readonly role: ImageRole
  /** Of the image's manifest in the backup. */
  readonly digest: string
  /** The source engine's id of it. */
  readonly id: string
  /** Names that the source gave it; of a commit those of --image-tag. */
  readonly names: readonly string[]
}

/** How the container was brought to rest, and for how long. */
export type FreezeFacts = { readonly wanted: Consistency; readonly way: FreezeWay; readonly milliseconds: number; readonly disturbed: boolean }

/**
 * What a backup keeps of a container: the config of its container manifest. The engine's own answers are kept verbatim, and
 * hold whatever secrets the container's environment holds.
 */
export type ContainerSpec = ContainerRecord & {
  readonly format: 1
  readonly drayage: string
  readonly images: readonly StoredImageFacts[]
  /** Where each captured mount was mounted: by the mount's id in this backup. */
  readonly mounts: readonly { readonly id: string; readonly destinations: readonly string[] }[]
  readonly leftOut: readonly LeftOutMount[]
  readonly freeze: FreezeFacts
  /** What its dray.dump wrote: the mount of this backup that holds it. */
  readonly dump?: { readonly mount: string }
  /** What the writable layer held when it was committed or found unchanged: see writable-layer.ts. */
  readonly writableLayer?: { readonly fingerprint: string; readonly container: string }
}

/** Throws `unverifiable` for a spec of a newer format, `damaged` for what is none. */
export function parseContainerSpec(value: Record<string, unknown>, backup: string): ContainerSpec {
  const { format, inspect, images, mounts } = value as Partial<Record<keyof ContainerSpec, unknown>>
  if (typeof format === 'number' && format > 1) throw new DrayError('unverifiable', `backup "${backup}" has a spec of format ${format}, this dray knows format 1`, { hints: ['update dray: npm install --global drayage'] })
  if (format !== 1 || inspect === undefined || !Array.isArray(images) || !Array.isArray(mounts)) throw new DrayError('damaged', `the spec in backup "${backup}" is not one`, { hints: ['try an older backup: dray list'] })
  return value as unknown as ContainerSpec
}
