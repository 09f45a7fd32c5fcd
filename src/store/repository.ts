/**
 * A repository in a local directory: an OCI image layout, with what is ours beside it in drayage/
 * (docs/repository-format.md). Nothing is ever written into a directory that holds other things.
 */
import { randomUUID } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { isAbsolute, join, resolve } from 'node:path'
import { defaultChunkerParameters, type ChunkerParameters } from '../archive/chunker.ts'
import { DrayError } from '../errors/dray-error.ts'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'
import { syncFolder, writeFileAtomically } from '../files/atomic-file.ts'
import { makeFolder } from '../files/make-folder.ts'
import { acquireOwnerLock, type LockKind, type LockOptions, type OwnerLock } from '../files/owner-lock.ts'
import { makePrivateTempDir, type PrivateTempDir } from '../files/private-temp-dir.ts'
import { removeDeadTemporaries } from '../files/temporary-name.ts'
import type { BackupSummary } from './backup-summary.ts'
import { BlobStore } from './blob-store.ts'
import type { Blobs } from './blobs.ts'
import { listInDirectory, unlistInDirectory } from './directory-list.ts'
import { readIndexFile } from './index-file.ts'
import { mediaTypes, type Descriptor, type Index } from './oci.ts'

export const repositoryFormat = 1

export type RepositoryConfig = {
  readonly format: number
  readonly id: string
  readonly created: string
  readonly chunker: ChunkerParameters
}

export type RepositoryPaths = { readonly root: string; readonly index: string; readonly layout: string; readonly blobs: string; readonly config: string; readonly locks: string; readonly indexLock: string; readonly cache: string; readonly temporary: string; readonly quarantine: string; readonly runs: string; readonly checks: string; readonly forgotten: string; readonly listing: string }

/** A backup's index: how the list names it, and its bytes. */
export type ListedIndex = { readonly descriptor: Descriptor; readonly index: Buffer }

/** Where backups are: in a directory or under a name in a registry. */
export interface Repository extends AsyncDisposable {
  /** For messages: the directory, or `oci://HOST/NAME`. */
  readonly path: string
  readonly config: RepositoryConfig
  readonly blobs: Blobs
  /** A folder for what only saves work. */
  readonly cacheFolder: string
  /** Whatever is listed, of dray or of other programs. Throws `damaged` when the list cannot be read. */
  readIndex(): Promise<Pick<Index, 'manifests' | 'annotations'>>
  /** Writes the indexes of backups, all of which is stored, and lists them: in a directory all or none. Returns false when they were listed already; throws `conflict` when another one has an id of theirs. */
  list(backups: readonly ListedIndex[]): Promise<boolean>
  /** Takes backups off the list. Throws `not-found`, or `conflict` when two have one id, and removes nothing, when one is not there. */
  unlist(ids: readonly string[]): Promise<BackupSummary[]>
  /** A backup, or whoever reads one, holds `shared`; forget, prune and repair hold `exclusive`. */
  lock<Kind extends LockKind>(kind: Kind, options: LockOptions): Promise<OwnerLock<Kind>>
  /** Gives up what was not flushed and removes the run's temporary files. */
  close(): Promise<void>
}

export interface LocalRepository extends Repository {
  readonly paths: RepositoryPaths
  readonly blobs: BlobStore
  /** The run's own folder on the repository's file system; removed by close(). */
  temporaryFolder(): Promise<string>
}

export function isLocal(repository: Repository): repository is LocalRepository {
  return 'paths' in repository
}

export function repositoryPaths(path: string): RepositoryPaths {
  const root = isAbsolute(path) ? path : resolve(path)
  const ours = join(root, 'drayage')
  return {
    root, index: join(root, 'index.json'), layout: join(root, 'oci-layout'), blobs: join(root, 'blobs', 'sha256'), config: join(ours, 'config.json'),
    locks: join(ours, 'locks'), indexLock: join(ours, 'index-lock'), cache: join(ours, 'cache'), temporary: join(ours, 'tmp'), quarantine: join(ours, 'quarantine'), runs: join(ours, 'runs'), checks: join(ours, 'checks.ndjson'), forgotten: join(ours, 'forgotten.json'), listing: join(ours, 'listing.json'),
  }
}

/** Makes a repository; one that is there already is left as it is. Throws `conflict` when the directory holds other things. */
export async function initRepository(path: string, chunker: ChunkerParameters = defaultChunkerParameters): Promise<void> {
  const paths = repositoryPaths(path)
  try {
    if (!(await mayHoldRepository(paths))) throw notEmpty(paths.root)
    if ((await readText(paths.config)) !== undefined) return
    for (const folder of [paths.root, paths.cache, paths.locks, paths.indexLock, paths.temporary, paths.blobs]) await makeFolder(folder)
    // An unfinished one is taken up here by the next; whoever writes the config makes the repository, and only one does.
    await writeLayout(paths)
    const empty = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] }
    await keepFirst(writeFileAtomically(paths.index, JSON.stringify(empty) + '\n', { temporaryFolder: paths.temporary, keepExisting: true }))
    await writeConfig(paths, chunker)
    for (const folder of [join(paths.root, 'blobs'), join(paths.root, 'drayage'), paths.root]) await syncFolder(folder)
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOTDIR') throw new DrayError('conflict', `"${paths.root}" is a file, or lies below one`, { cause: thrown, hints: ['name an empty or a new directory with --repo or DRAY_REPO'] })
    throw errnoOf(thrown) === undefined ? thrown : fromSystemError(thrown, 'cannot create a repository in', paths.root)
  }
}

/** For init and repair: the files that are the same in every repository, where they are missing. */
export async function writeLayout({ layout, temporary }: RepositoryPaths): Promise<void> {
  await keepFirst(writeFileAtomically(layout, JSON.stringify({ imageLayoutVersion: '1.0.0' }) + '\n', { temporaryFolder: temporary, keepExisting: true }))
}

export async function writeConfig({ config, temporary }: RepositoryPaths, chunker: ChunkerParameters = defaultChunkerParameters): Promise<void> {
  const content: RepositoryConfig = { format: repositoryFormat, id: randomUUID(), created: new Date().toISOString(), chunker }
  await keepFirst(writeFileAtomically(config, JSON.stringify(content, null, 2) + '\n', { temporaryFolder: temporary, keepExisting: true }))
}

/**
 * Opens the repository, and with `create` makes it when there is nothing at the path. Removes what dead runs left half
 * written. Works on a read-only file system, then for reading only.
 */
export async function openRepository(path: string, { create }: { readonly create: boolean }): Promise<LocalRepository> {
  const paths = repositoryPaths(path)
  if (create) await initRepository(path)
  let text: string | undefined
  try {
    text = await readText(paths.config)
    if (text === undefined) throw await noRepository(paths)
    await Promise.all([removeDeadTemporaries(paths.temporary), removeDeadTemporaries(paths.cache)])
  } catch (thrown) {
    throw fromSystemError(thrown, 'cannot open the repository', paths.root)
  }
  return new RepositoryDirectory(paths, parseConfig(text, paths.root))
}

class RepositoryDirectory implements LocalRepository {
  readonly path: string
  readonly paths: RepositoryPaths
  readonly config: RepositoryConfig
  readonly blobs: BlobStore
  #temporary: Promise<PrivateTempDir> | undefined

  constructor(paths: RepositoryPaths, config: RepositoryConfig) {
    this.path = paths.root
    this.paths = paths
    this.config = config
    this.blobs = new BlobStore({ root: paths.root, blobs: paths.blobs, quarantine: paths.quarantine, temporary: () => this.temporaryFolder() })
  }

  get cacheFolder(): string {
    return this.paths.cache
  }

  readIndex(): Promise<Index> {
    return readIndexFile(this)
  }

  list(backups: readonly ListedIndex[]): Promise<boolean> {
    return listInDirectory(this, backups)
  }

  unlist(ids: readonly string[]): Promise<BackupSummary[]> {
    return unlistInDirectory(this, ids)
  }

  async lock<Kind extends LockKind>(kind: Kind, options: LockOptions): Promise<OwnerLock<Kind>> {
    try {
      return await acquireOwnerLock(this.paths.locks, kind, options)
    } catch (thrown) {
      const readOnly = thrown instanceof DrayError && errnoOf(thrown.cause) === 'EROFS'
      if (kind === 'exclusive' || !readOnly) throw thrown
      // Nobody can write there, so nobody can prune what is being read.
      const nothing = () => Promise.resolve()
      return { kind, isHeld: () => Promise.resolve(true), release: nothing, [Symbol.asyncDispose]: nothing }
    }
  }

  async temporaryFolder(): Promise<string> {
    this.#temporary ??= makeFolder(this.paths.temporary).then(() => makePrivateTempDir(this.paths.temporary))
    return (await this.#temporary).path
  }

  async close(): Promise<void> {
    await this.blobs.discard()
    const temporary = await this.#temporary?.catch(() => undefined)
    this.#temporary = undefined
    await temporary?.remove()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** Missing, empty, ours, or ours and unfinished. */
async function mayHoldRepository(paths: RepositoryPaths): Promise<boolean> {
  const names = await namesIn(paths.root)
  if (names.length === 0 || (await readText(paths.config)) !== undefined) return true
  if (!names.includes('drayage') || names.some(name => !['drayage', 'blobs', 'oci-layout', 'index.json'].includes(name))) return false
  return (await namesIn(paths.blobs)).length === 0
}

async function noRepository(paths: RepositoryPaths): Promise<DrayError> {
  const found = await stat(paths.root).catch(() => undefined)
  if (found !== undefined && !found.isDirectory()) return new DrayError('not-found', `"${paths.root}" is a file, and a repository is a folder`, { hints: [`an exported file: dray import ${paths.root}, and dray verify ${paths.root} says what is in it`, 'name a folder with --repo or DRAY_REPO'] })
  const names = await namesIn(paths.root)
  if (names.includes('drayage') && (await namesIn(paths.blobs)).length > 0) {
    return new DrayError('damaged', `the repository "${paths.root}" has lost its "drayage/config.json"`, { hints: ['dray doctor --repair writes it again'] })
  }
  const below = await repositoryBelow(paths.root, names)
  return new DrayError('not-found', `there is no repository in "${paths.root}"${names.length === 0 ? '' : ': the directory holds other things'}`, {
    hints: [...(below === undefined ? [] : [`there is one in "${below}"`]), 'dray backup makes one', 'name another directory with --repo or DRAY_REPO'],
  })
}

/** One that lies directly in the folder, as when its parent was named. */
export async function repositoryBelow(root: string, names?: readonly string[]): Promise<string | undefined> {
  for (const name of (names ?? (await namesIn(root))).slice(0, 1000)) {
    if ((await readText(repositoryPaths(join(root, name)).config).catch(() => undefined)) !== undefined) return join(root, name)
  }
  return undefined
}

function notEmpty(root: string): DrayError {
  return new DrayError('conflict', `"${root}" is not empty and not a repository`, { hints: ['name an empty or a new directory with --repo or DRAY_REPO'] })
}

function parseConfig(text: string, root: string): RepositoryConfig {
  let config: Partial<RepositoryConfig>
  try {
    config = JSON.parse(text) as Partial<RepositoryConfig>
  } catch (cause) {
    throw new DrayError('damaged', `"drayage/config.json" of the repository "${root}" is not JSON`, { cause, hints: ['dray doctor --repair writes it again'] })
  }
  const { format, id, created, chunker } = config
  if (typeof format === 'number' && format > repositoryFormat) {
    throw new DrayError('unverifiable', `the repository "${root}" has format ${format}, this dray knows formats up to ${repositoryFormat}`, { hints: ['update dray: npm install --global drayage'] })
  }
  if (format !== repositoryFormat || typeof id !== 'string' || typeof created !== 'string' || typeof chunker !== 'object') {
    throw new DrayError('damaged', `"drayage/config.json" of the repository "${root}" is not a repository's`, { hints: ['dray doctor --repair writes it again'] })
  }
  return { format, id, created, chunker }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (thrown) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(thrown) ?? '')) return undefined
    throw thrown
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return []
    throw thrown
  }
}

async function keepFirst(writing: Promise<void>): Promise<void> {
  await writing.catch((thrown: unknown) => {
    if (!(thrown instanceof DrayError) || errnoOf(thrown.cause) !== 'EEXIST') throw thrown
  })
}
