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

/** What tar says of an entry when it lists it: kind, mode, owner, size or device, time, name, what a link names; and the names and lengths of its extended attributes, sorted. */
export type EntryAttributes = { readonly line: string; readonly xattrs: readonly string[] }

/** Paths or other records, each with a NUL after it; `bytes` in all, `parts` of whole records. */
export type PathList = { readonly bytes: number; parts(): Iterable<Buffer> }

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
  /** What can be known of entries without reading them, in the order of `paths`. Only where canList; all paths must exist. */
  attributes?(paths: AsyncIterable<readonly Buffer[]>, signal: AbortSignal): AsyncIterable<readonly EntryAttributes[]>
  /** The sha256 of files in hex, made where they lie, in the order of `paths`. Only where canList; all paths must exist. */
  digests?(paths: AsyncIterable<readonly Buffer[]>, signal: AbortSignal): AsyncIterable<readonly string[]>
}

export type WriteReport = { readonly problems: readonly string[] }

/**
 * What is to be different in a mount: `removed` goes, with what is below it on the same file system; then `tar` is extracted over
 * what is there. A member takes the place of what has its name, as a whole; a directory keeps what is in it. `directories` are
 * those there that something is written or removed in, or that get other attributes: each must be a member of the tar, because
 * it loses its ACL and its time; if one is not a directory of the mount's own file system by now, nothing is changed, and it is
 * a `conflict`. Nothing is done through a symbolic link. The program starts at once, whenever the paths become known.
 */
export type MountChange = { readonly paths: Promise<{ readonly directories: PathList; readonly removed: PathList }>; readonly tar: AsyncIterable<Buffer> }

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
  /** Changes what was written before; see MountChange. Only where canList. */
  change?(change: MountChange, signal: AbortSignal): Promise<WriteReport>
  /**
   * Makes directories anew, with what is in them and without extended attributes, which tar cannot take away. The root only
   * loses those that are named. They get their attributes by a change() that comes after. Only where canList.
   */
  renew?(directories: PathList, ofRoot: readonly string[], signal: AbortSignal): Promise<WriteReport>
  /** Reads what was written, by the same tools; it is closed with the writer. Only where canList. */
  readonly readBack?: MountReader
  /** Makes the next so many programs start at once, where starting one takes its time. */
  prepare?(count: number, signal: AbortSignal): Promise<void>
  list(signal: AbortSignal): AsyncIterable<readonly ListedEntry[]>
}
