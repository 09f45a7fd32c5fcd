import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { DrayError } from '../errors/dray-error.ts'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'
import { syncFolder } from '../files/atomic-file.ts'
import type { OwnerLock } from '../files/owner-lock.ts'
import { ChunkCache } from './chunk-cache.ts'
import type { DigestSet } from './digest-set.ts'
import { findGarbage, type GarbageCounts, type GarbageOptions } from './garbage.ts'
import type { Repository } from './repository.ts'

export type PruneOptions = GarbageOptions & {
  /** Before the first blob is removed, with all that will be. */
  readonly onFound?: (bytes: number) => void
  readonly onRemoved?: (bytes: number) => void
}

/** Between them progress is shown, and signals are heard. */
const removedAtOnce = 64

/**
 * Removes the blobs that nothing in index.json refers to, of dray or of other programs, and that are older than the grace.
 * When a listed document cannot be read it is not known what it refers to: then nothing is removed and `damaged` thrown.
 * What is listed is whole at every moment, so it may be stopped, by its signal or any other way.
 */
export async function prune(repository: Repository, options: PruneOptions, lock: OwnerLock<'exclusive'>): Promise<GarbageCounts> {
  const { blobs, paths, path } = repository
  const { digests, referenced, counts } = await findGarbage(repository, options)
  if (!(await lock.isHeld())) throw new DrayError('locked', `the lock of the repository "${path}" was taken away`, { hints: ['run the same command again'] })
  options.onFound?.(counts.removedBytes)
  try {
    let removed = 0
    for (const { digest, bytes } of digests.entries()) {
      blobs.removeNow(digest)
      options.onRemoved?.(bytes)
      if (++removed % removedAtOnce === 0) await setImmediate()
      options.signal?.throwIfAborted()
    }
    await tidy(repository, referenced, Date.now() - options.graceMs)
    await syncFolder(paths.blobs)
  } catch (thrown) {
    throw errnoOf(thrown) === undefined ? thrown : fromSystemError(thrown, 'cannot prune', path)
  }
  return counts
}

/** Bad blobs that nobody needs any more, and the cache's records of blobs that are gone. */
async function tidy({ blobs, paths, config }: Repository, referenced: DigestSet, before: number): Promise<void> {
  for (const name of await readdir(paths.quarantine).catch(() => [])) {
    const file = join(paths.quarantine, name)
    const isNeeded = referenced.hasKey(Buffer.from(name.padEnd(64, '0'), 'hex')) && !(await blobs.has(`sha256:${name}`))
    if (!isNeeded && (await stat(file)).mtimeMs < before) await rm(file, { force: true })
  }
  const cache = new ChunkCache(paths.cache, config.id)
  const table = await cache.load()
  if (table) await cache.rewrite(table, record => referenced.hasKey(record.subarray(32, 64)))
}
