/**
 * A repository under one name of a registry (docs/repository-format.md, "In a registry"). There is no lock: a backup is listed by
 * one request, and forget asks what the others need just before it deletes.
 */
import { createHash } from 'node:crypto'
import { defaultChunkerParameters } from '../archive/chunker.ts'
import { DrayError } from '../errors/dray-error.ts'
import { makeFolder } from '../files/make-folder.ts'
import type { LockKind, OwnerLock } from '../files/owner-lock.ts'
import type { RegistryRepository } from '../registry/registry-repository.ts'
import { abandonedTags, childTag, idTags } from './backup-tags.ts'
import { annotationNames, type BackupSummary } from './backup-summary.ts'
import { indexTypes, parseIndex, readIndex } from './documents.ts'
import { inParallel } from './in-parallel.ts'
import type { Descriptor, Digest, Index } from './oci.ts'
import { listRegistryBackups } from './registry-backups.ts'
import { RemoteBlobs } from './remote-blobs.ts'
import { repositoryFormat, type ListedIndex, type Repository, type RepositoryConfig } from './repository.ts'

const manifestsAtOnce = 6

/** `cacheFolder` is for all registries: what is in it only saves work. Nothing is asked yet: `onFound` is told when a backup was seen in it, or stored. */
export async function openRemoteRepository(registry: RegistryRepository, cacheFolder: string, onFound: (path: string) => Promise<void>): Promise<Repository> {
  const repository = new RemoteRepository(registry, cacheFolder, onFound)
  await makeFolder(repository.cacheFolder)
  return repository
}

export class RemoteRepository implements Repository {
  readonly path: string
  readonly config: RepositoryConfig
  readonly blobs: RemoteBlobs
  readonly cacheFolder: string
  readonly #registry: RegistryRepository
  readonly #onFound: (path: string) => Promise<void>

  constructor(registry: RegistryRepository, cacheFolder: string, onFound: (path: string) => Promise<void> = () => Promise.resolve()) {
    const hash = createHash('sha256').update(registry.path).digest('hex')
    this.#registry = registry
    this.#onFound = onFound
    this.path = `oci://${registry.path}`
    this.blobs = new RemoteBlobs(registry)
    this.cacheFolder = `${cacheFolder}/${hash.slice(0, 32)}`
    this.config = { format: repositoryFormat, id: hash.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'), created: '', chunker: defaultChunkerParameters }
  }

  async readIndex(): Promise<Pick<Index, 'manifests' | 'annotations'>> {
    const manifests = (await listRegistryBackups(this.blobs)).map(({ descriptor }) => descriptor)
    if (manifests.length > 0) await this.#onFound(this.path)
    return { manifests }
  }

  async list(backups: readonly ListedIndex[]): Promise<boolean> {
    let isNew = false
    for (const backup of backups) if (await this.#list(backup)) isNew = true
    await this.#onFound(this.path)
    return isNew
  }

  /** Every manifest gets its tag, the index comes last. */
  async #list({ descriptor, index }: ListedIndex): Promise<boolean> {
    const id = descriptor.annotations?.[annotationNames.id] ?? ''
    const there = await this.#registry.headManifest(id)
    if (there !== undefined && there.digest !== descriptor.digest) throw new DrayError('conflict', `there is another backup "${id}" in "${this.path}"`)
    if (there !== undefined) return false
    const { manifests } = parseIndex(index, `backup "${id}"`)
    await inParallel(manifests.entries(), manifestsAtOnce, async ([at, child]) => this.#put(childTag(id, at), child))
    await this.#registry.putManifest(id, index, descriptor.mediaType)
    return true
  }

  async unlist(ids: readonly string[]): Promise<BackupSummary[]> {
    const all = await listRegistryBackups(this.blobs)
    const removed = all.filter(({ id }) => ids.includes(id))
    const unknown = ids.find(id => !removed.some(backup => backup.id === id))
    if (unknown !== undefined) throw new DrayError('not-found', `there is no backup "${unknown}" in "${this.path}"`, { hints: ['dray list shows the backups'] })
    const needed = await this.#neededBeside(removed)
    for (const backup of removed) {
      const children = await this.#childrenOf(backup)
      await this.#delete(backup.descriptor.digest)
      for (const { digest } of children) if (!needed.has(digest)) await this.#delete(digest)
    }
    return removed
  }

  /** Deletes, or with `dryRun` finds, manifests of backups that were begun before a moment and never listed. Returns their tags. */
  async removeAbandoned(beforeMs: number, { dryRun }: { readonly dryRun: boolean }): Promise<string[]> {
    const tags = abandonedTags(await this.#registry.listTags(), beforeMs)
    if (tags.length === 0 || dryRun) return tags
    const needed = await this.#neededBeside([])
    const found = await Promise.all(tags.map(async tag => [tag, (await this.#registry.headManifest(tag))?.digest as Digest | undefined] as const))
    const going = found.filter(([, digest]) => digest !== undefined && !needed.has(digest))
    for (const digest of new Set(going.map(([, each]) => each))) if (digest !== undefined) await this.#delete(digest)
    return going.map(([tag]) => tag)
  }

  lock<Kind extends LockKind>(kind: Kind): Promise<OwnerLock<Kind>> {
    const nothing = (): Promise<void> => Promise.resolve()
    return Promise.resolve({ kind, isHeld: () => Promise.resolve(true), release: nothing, [Symbol.asyncDispose]: nothing })
  }

  async close(): Promise<void> {
    await this.blobs.discard()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #put(tag: string, { digest, mediaType }: Descriptor): Promise<void> {
    await this.#registry.putManifest(tag, await this.blobs.read(digest, { isManifest: true }), mediaType)
  }

  /** What any other tag means or needs, of dray or of other programs. Throws `damaged` when that cannot be known. */
  async #neededBeside(removed: readonly BackupSummary[]): Promise<Set<Digest>> {
    const gone = new Set<string>(removed.map(({ descriptor }) => descriptor.digest))
    const needed = new Set<Digest>()
    await inParallel(idTags(await this.#registry.listTags()), manifestsAtOnce, async tag => {
      const found = await this.#registry.getManifest(tag)
      if (found === undefined || gone.has(found.digest)) return
      needed.add(found.digest as Digest)
      if (indexTypes.includes(found.mediaType)) for (const { digest } of parseIndex(found.bytes, `"${tag}" of "${this.path}"`).manifests) needed.add(digest)
    })
    return needed
  }

  async #childrenOf({ descriptor }: BackupSummary): Promise<readonly Descriptor[]> {
    return (await readIndex(this.blobs, descriptor)).manifests
  }

  async #delete(digest: Digest): Promise<void> {
    try {
      await this.#registry.deleteManifest(digest)
    } catch (thrown) {
      if (!(thrown instanceof DrayError) || thrown.code !== 'refused') throw thrown
      throw new DrayError('refused', `nothing can be deleted from "${this.path}": ${thrown.message}`, { cause: thrown, hints: ['the registry has to allow it: storage.delete.enabled of distribution, or REGISTRY_STORAGE_DELETE_ENABLED=true'] })
    }
  }
}
