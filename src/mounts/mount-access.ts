import type { Readable } from 'node:stream'

/** The three ways to the data of a mount (DESIGN "Reading and writing mount data"). */
export type ReaderKind = 'host' | 'helper' | 'api'

/** `f` file, `d` directory, `l` symbolic link, `p` fifo, `c` and `b` devices, `s` socket (never captured). */
export type EntryType = 'f' | 'd' | 'l' | 'p' | 'c' | 'b' | 's'

/**
 * One entry as find saw it. `path` is relative to the mount's root, in bytes: the root directory itself is ".", its
 * children are "./a"; a bind of a single file has one entry, "./<its name>". Times are "seconds.nanoseconds" with nine
 * digits, as they are compared.
 */
export type ListedEntry = {
  readonly path: Buffer
  readonly type: EntryType
  readonly size: number
  /** Permission bits with setuid, setgid and sticky (0 to 0o7777). */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtime: string
  readonly ctime: string
  readonly inode: string
  readonly links: number
}

/** Something that could not be read as it should have been: listed in the result, exit 3. */
export type ReadProblem = { readonly path: Buffer; readonly problem: 'vanished' | 'shrank' | 'changed' | 'unreadable'; readonly detail: string }

/** The tar of the paths that were asked for, in the order in which they were asked for. */
export type EntryStream = {
  readonly tar: Readable
  /** Settles after the tar has ended. Rejects if the reader itself failed (killed, connection lost). */
  readonly problems: Promise<readonly ReadProblem[]>
}

/** What is mounted: a managed volume, a directory or a single file of the engine's host. */
export type MountTarget =
  | { readonly kind: 'volume'; readonly name: string; readonly mountpoint: string; readonly driver: string }
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string }

/** Reads the data of one mount. close() ends every process and removes every container that the reader made. */
export interface MountReader extends AsyncDisposable {
  readonly kind: ReaderKind
  /** What this way cannot keep, in words for the user; empty for host and helper. */
  readonly losses: readonly string[]
  /** False for api: then list() is not called and stream() is asked for everything. */
  readonly canList: boolean
  /** Writes dirty pages back (syncfs) and returns the engine host's clock from before it, as "seconds.nanoseconds". */
  sync(signal: AbortSignal): Promise<string>
  /** All entries in batches, sorted by the bytes of `path` (parents come before children). Nested mounts are listed in `nested`, not crossed. */
  list(signal: AbortSignal): AsyncIterable<readonly ListedEntry[]>
  /** Makes the next so many listings and streams start at once, where starting one takes its time. */
  prepare?(count: number, signal: AbortSignal): Promise<void>
  /** `paths` may be fed while the tar is being read; undefined means everything (api). The tar's entries have the names of `paths`. */
  stream(paths: AsyncIterable<readonly Buffer[]> | undefined, signal: AbortSignal): EntryStream
}

export type WriteReport = { readonly problems: readonly string[] }

/** Writes the data of one mount. */
export interface MountWriter extends AsyncDisposable {
  readonly kind: ReaderKind
  readonly losses: readonly string[]
  readonly canList: boolean
  /** True when the mount holds no entry but its root (lost+found does not count). */
  isEmpty(signal: AbortSignal): Promise<boolean>
  /** The first entry, as "./a/b", that nobody can remove or change (chattr +i, +a); undefined also where that is not known. */
  findFixed(signal: AbortSignal): Promise<Buffer | undefined>
  /** Removes everything below the root, never the root itself, never across a file system boundary. */
  empty(signal: AbortSignal): Promise<void>
  /** Extracts a tar with every attribute that this way can keep. The root's own owner, mode and times are set as well. Asks for the next piece of the tar only when the one before is not needed any more. */
  write(tar: AsyncIterable<Buffer>, signal: AbortSignal): Promise<WriteReport>
  list(signal: AbortSignal): AsyncIterable<readonly ListedEntry[]>
}
