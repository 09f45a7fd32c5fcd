import type { ReaderKind, ReadProblem } from '../mounts/mount-access.ts'
import type { ContentChunk } from '../store/content-writer.ts'
import type { TocChunk } from '../store/toc.ts'

/** The data of one mount as the repository holds it: a tar in chunks, and its table of contents. */
export type MountContent = {
  readonly chunks: readonly ContentChunk[]
  readonly toc: readonly TocChunk[]
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
  readonly reader: ReaderKind
  readonly losses: readonly string[]
}

/** How one reading went. */
export type CaptureReport = {
  readonly content: MountContent
  readonly problems: readonly ReadProblem[]
  /** Bytes of tar that were read from the mount, the rest being taken over. */
  readonly readBytes: number
  readonly keptEntries: number
}
