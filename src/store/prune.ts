import { statSync } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { DrayError } from '../errors/dray-error.ts'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'
import { syncFolder } from '../files/atomic-file.ts'
import { assertHeld, type OwnerLock } from '../files/owner-lock.ts'
import { ChunkCache } from './chunk-cache.ts'
import type { DigestSet } from './digest-set.ts'
import { finishForgetting } from './forgotten.ts'
import { findGarbage, type GarbageCounts, type GarbageOptions } from './garbage.ts'
import { readIndexFile } from './index-file.ts'
import { finishListing } from './listing.ts'
import type { LocalRepository } from './repository.ts'

export type PruneOptions = GarbageOptions & {
  /** Before the first blob is removed, with all that will be. */
  readonly onFound?: (bytes: number) => void
  readonly onRemoved?: (bytes: number) => void
}

/** Between them progress is shown, and signals are heard. */
const removedAtOnce = 64

/**
 * Removes the blobs that nothing refers to, and that are older than the grace: nothing in index.json, of dray or of other
 * programs, and no backup that is stored and neither listed nor forgotten. Somebody else's change of index.json ends it.
 * When a listed document cannot be read it is not known what it refers to: then nothing is removed and `damaged` thrown.
 * What is listed is whole at every moment, so it may be stopped, by its signal or any other way.
 */
export async function prune(repository: LocalRepository, options: PruneOptions, lock: OwnerLock<'exclusive'>): Promise<GarbageCounts> {
  const { blobs, paths, path } = repository
  await finishForgetting(repository, await readIndexFile(repository))
  await finishListing(repository)
  const assertUnchanged = watchIndex(repository)
  const { digests, referenced, counts } = await findGarbage(repository, options)
  await assertHeld(lock, `the repository "${path}"`)
  options.onFound?.(counts.removedBytes)
  try {
    let removed = 0
    assertUnchanged()
    for (const { digest, bytes } of digests.entries()) {
      blobs.removeNow(digest)
      options.onRemoved?.(bytes)
      if (++removed % removedAtOnce !== 0) continue
      await setImmediate()
      options.signal?.throwIfAborted()
      assertUnchanged()
    }
    await tidy(repository, referenced, Date.now() - options.graceMs)
    await syncFolder(paths.blobs)
  } catch (thrown) {
    throw errnoOf(thrown) === undefined ? thrown : fromSystemError(thrown, 'cannot prune', path)
  }
  return counts
}

/** Other programs ask for no lock. Throws `locked` when index.json is not the file that it was at first. */
function watchIndex({ paths, path }: LocalRepository): () => void {
  const look = (): string => {
    const { ino, size, mtimeNs, ctimeNs } = statSync(paths.index, { bigint: true })
    return [ino, size, mtimeNs, ctimeNs].join(' ')
  }
  const first = look()
  return () => {
    if (look() !== first) throw new DrayError('locked', `another program has changed "index.json" of the repository "${path}" meanwhile: nothing more was removed`, { hints: ['run the same command again'] })
  }
}

/** Bad blobs that nobody needs any more, and the cache's records of blobs that are gone. */
async function tidy({ blobs, paths, config }: LocalRepository, referenced: DigestSet, before: number): Promise<void> {
  for (const name of await readdir(paths.quarantine).catch(() => [])) {
    const file = join(paths.quarantine, name)
    const isNeeded = referenced.hasKey(Buffer.from(name.padEnd(64, '0'), 'hex')) && !(await blobs.has(`sha256:${name}`))
    if (!isNeeded && (await stat(file)).mtimeMs < before) await rm(file, { force: true })
  }
  const cache = new ChunkCache(paths.cache, config.id)
  const table = await cache.load()
  if (table) await cache.rewrite(table, record => referenced.hasKey(record.subarray(32, 64)))
}
