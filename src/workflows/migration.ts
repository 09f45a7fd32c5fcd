import type { Engine } from '../engine/engine.ts'
import type { Remaps } from '../engine/spec/remap-record.ts'
import type { ContainerRecord } from '../engine/spec/spec-record.ts'
import type { ReaderKind } from '../mounts/mount-access.ts'
import type { LeftOutMount, StoredImageFacts } from './container-spec.ts'
import type { RestorePlan, WantedMount } from './restore-plan.ts'
import type { Run, TemporaryJournal } from './run.ts'
import type { Consistency } from './steps/freeze.ts'
import type { ImageRoute } from './steps/stream-image.ts'
import type { PlannedMount } from './steps/plan-mounts.ts'

export type MigrateOptions = {
  readonly containers: readonly string[]
  readonly projects: readonly string[]
  readonly consistency: Consistency
  readonly precopy: boolean
  readonly removeSource: boolean
  readonly route: ImageRoute
  readonly reader: 'auto' | ReaderKind
  readonly name?: string
  readonly remaps: Remaps
  readonly keep: readonly string[]
  readonly waitFor?: string
  readonly healthSeconds?: number
}

export type MigrateJob = { readonly run: Run; readonly source: Engine; readonly target: Engine; readonly options: MigrateOptions }

/** A mount of a living container. */
export type LiveMount = WantedMount & { readonly planned: PlannedMount }

export type LiveContainer = {
  readonly spec: ContainerRecord & { readonly images: readonly Pick<StoredImageFacts, 'role' | 'names'>[]; readonly leftOut: readonly LeftOutMount[] }
  readonly mounts: readonly LiveMount[]
  /** Should be moved and cannot be. */
  readonly missing: readonly LeftOutMount[]
}

/** One container of a migration: what it is, and what is to be made of it. */
export type Move = LiveContainer & { readonly plan: RestorePlan<LiveMount> }

/** Records what is made for the moment on either engine. */
export type Temporaries = { readonly source: TemporaryJournal; readonly target: TemporaryJournal }
