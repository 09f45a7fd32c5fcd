import type { ReadProblem } from '../mounts/mount-access.ts'
import type { MountContent } from '../store/mount-manifest.ts'

/** What the description of a captured mount says of its data, besides what is mounted where. */
export type ContentFacts = {
  /** Length of the tar, its end blocks included. */
  readonly tarBytes: number
  readonly entries: number
  /** Sum of the files' sizes. */
  readonly dataBytes: number
  /** Names of hard-linked files: when there are any, the next reading looks at groups of names first. */
  readonly hardLinks: number
  /**
   * The engine host's clock before dirty pages were written back. Whatever was modified at or after this moment is not
   * recognised by its times and is read again by the next reading. Absent where the reader cannot say.
   */
  readonly syncedAt?: string
}

/** How one reading went. */
export type CaptureReport = {
  readonly content: MountContent
  readonly facts: ContentFacts
  readonly problems: readonly ReadProblem[]
  /** Bytes of tar that were read from the mount, the rest being taken over. */
  readonly readBytes: number
  readonly keptEntries: number
}
