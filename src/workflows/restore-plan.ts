import type { ContainerInspect } from '../engine/api-types.ts'
import type { CreateRequest } from '../engine/spec/create-request.ts'
import type { NetworkCreate } from '../engine/spec/network-request.ts'
import type { Remaps } from '../engine/spec/remap-record.ts'
import type { ContainerRecord } from '../engine/spec/spec-record.ts'
import type { TargetPeer } from '../engine/spec/replay-context.ts'
import type { Loss } from '../integrity/find-losses.ts'
import type { ReaderKind } from '../mounts/mount-access.ts'
import type { BackupContents } from '../store/backup-graph.ts'
import type { BackupSummary } from '../store/backup-summary.ts'
import type { ChunkRef } from '../store/chunk-ref.ts'
import type { MountContent } from '../store/mount-manifest.ts'
import type { ContainerSpec, LeftOutMount, StoredImageFacts } from './container-spec.ts'
import type { DescribedMount } from './mount-description.ts'

export type RestoreOptions = {
  readonly name?: string
  readonly replace: boolean
  readonly start: boolean
  readonly remaps: Remaps
  /** Volumes and paths of the target that are left as they are, whatever they hold. */
  readonly keep: readonly string[]
  readonly reader: 'auto' | ReaderKind
  /** Paths of the target that are made empty folders where they are missing. */
  readonly makePaths?: readonly string[]
  /** How long health is waited for; the container's own settings where not given. */
  readonly healthSeconds?: number
  /** Restore what is left of a damaged backup. */
  readonly skipDamaged: boolean
  /** Have each container's `dray.restore` read the dump that its backup holds. */
  readonly replayDump?: boolean
  /** A part alone: `spec`, the container over the image and the data that the target has; `image` and `data` without a container. */
  readonly only?: 'spec' | 'image' | 'data'
  /** Volumes and paths, as recorded, whose data may be replaced. Undefined: all of them where the container may be. */
  readonly replaceData?: readonly string[]
  /** What a file names as recorded, with the place where it does, to be told when there is no such thing. Undefined: the keys of `remaps`, named by options. */
  readonly named?: Readonly<Record<keyof Remaps, ReadonlyMap<string, string>>>
  /** What is different for single containers, by their recorded names. */
  readonly single?: ReadonlyMap<string, Partial<Omit<RestoreOptions, 'single'>>>
}

/** What holds for one container. */
export function optionsFor(options: RestoreOptions, container: string): RestoreOptions {
  return { ...options, ...options.single?.get(container) }
}

export function mayReplaceData({ replace, replaceData }: RestoreOptions, source: string): boolean {
  return replaceData === undefined ? replace : replaceData.includes(source)
}

/** A mount that the target is to have, wherever its data comes from. */
export type WantedMount = { readonly described: Pick<DescribedMount, 'kind' | 'source' | 'label' | 'destinations'> }

/** A container that the target is to have: out of a backup, or as it lives on another engine. */
export type WantedContainer<Mount extends WantedMount = WantedMount> = {
  readonly spec: ContainerRecord & { readonly images: readonly Pick<StoredImageFacts, 'role' | 'names'>[]; readonly leftOut: readonly LeftOutMount[] }
  readonly mounts: readonly Mount[]
}

/** `isBad`: only of a mount of which chunks are damaged. */
export type StoredMount = { readonly described: DescribedMount; readonly content: MountContent; readonly isBad?: (chunk: ChunkRef) => boolean }
export type HurtMount = StoredMount & Required<Pick<StoredMount, 'isBad'>>

/**
 * Everything that a backup says of one container, read and found complete; or else, as asked with --skip-damaged, what is left
 * of it. `lost` are the mounts that cannot be read at all.
 */
export type StoredContainer = {
  readonly backup: BackupSummary
  readonly contents: BackupContents
  readonly spec: ContainerSpec
  readonly mounts: readonly StoredMount[]
  /** What its dray.dump wrote. */
  readonly dump?: StoredMount
  readonly skipsDamaged: boolean
  readonly lost: readonly string[]
  /** What is damaged of the whole backup, where it was read to its end. */
  readonly losses?: readonly Loss[]
}

export function isHurt(mount: StoredMount): mount is HurtMount {
  return mount.isBad !== undefined
}

export type MountPlace =
  | { readonly kind: 'volume'; readonly name: string }
  /** Made by create: its name is known afterwards. */
  | { readonly kind: 'anonymous'; readonly destination: string }
  | { readonly kind: 'directory' | 'file'; readonly path: string }

/**
 * What happens to one mount: made and filled, filled because it is empty, replaced (its old data goes into the repository
 * first), or kept as it is.
 */
export type MountAction<Mount extends WantedMount = StoredMount> = { readonly stored: Mount; readonly place: MountPlace; readonly action: 'make' | 'fill' | 'replace' | 'keep'; readonly because?: string; /** The path that is written, and this place with it. */ readonly inside?: string }

/** Why a mount is kept that the user named. */
export const keptAsAsked = 'as asked with --keep'

/** Why a mount is kept that is made with something else in the same run. */
export const comesWith = 'it comes with'

export type RestorePlan<Mount extends WantedMount = StoredMount> = {
  readonly name: string
  readonly request: CreateRequest
  /** As it is sent as Config.Image. */
  readonly imageRef: string
  readonly peers: ReadonlyMap<string, TargetPeer>
  readonly networks: readonly NetworkCreate[]
  readonly mounts: readonly MountAction<Mount>[]
  /** The container that has the name now, to be replaced. */
  readonly replaced?: ContainerInspect
  readonly notes: readonly string[]
}

export function describePlace(place: MountPlace): string {
  return place.kind === 'volume' ? `volume "${place.name}"` : place.kind === 'anonymous' ? `the anonymous volume at ${place.destination}` : `"${place.path}"`
}
