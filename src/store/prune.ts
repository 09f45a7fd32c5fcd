import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DrayError } from '../errors/dray-error.ts'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'
import { syncFolder } from '../files/atomic-file.ts'
import type { OwnerLock } from '../files/owner-lock.ts'
import { ChunkCache } from './chunk-cache.ts'
import type { DigestSet } from './digest-set.ts'
import { readIndexFile } from './index-file.ts'
import { collectReachable } from './reachable.ts'
import type { Repository } from './repository.ts'

export type PruneOptions = {
  /** Blobs younger than this stay: those of a failed run are there for the next one. */
  readonly graceMs: number
  readonly dryRun?: boolean
}

export type PruneReport = { readonly removedBlobs: number; readonly removedBytes: number; readonly youngBlobs: number; readonly keptBlobs: number; readonly keptBytes: number }

/**
 * Removes the blobs that nothing in index.json refers to, of dray or of other programs, and that are older than the grace.
 * When a listed document cannot be read it is not known what it refers to: then nothing is removed and `damaged` thrown.
 */
export async function prune(repository: Repository, { graceMs, dryRun = false }: PruneOptions, lock: OwnerLock<'exclusive'>): Promise<PruneReport> {
  const { blobs, paths, path } = repository
  const { manifests } = await readIndexFile(repository)
  const referenced = await collectReachable(blobs, manifests).catch((thrown: unknown) => {
    if (!(thrown instanceof DrayError) || thrown.code !== 'damaged') throw thrown
    throw new DrayError('damaged', `nothing was removed from "${path}": ${thrown.message}`, { cause: thrown, hints: ['dray doctor --repair names the damaged backups'] })
  })
  if (!(await lock.isHeld())) throw new DrayError('locked', `the lock of the repository "${path}" was taken away`, { hints: ['run the same command again'] })
  const before = Date.now() - graceMs
  const report = { removedBlobs: 0, removedBytes: 0, youngBlobs: 0, keptBlobs: 0, keptBytes: 0 }
  try {
    for await (const digest of blobs.list()) {
      const found = await blobs.stat(digest)
      if (found === undefined) continue
      const isReferenced = referenced.has(digest)
      if (isReferenced || found.mtimeMs > before) {
        if (!isReferenced) report.youngBlobs++
        report.keptBlobs++
        report.keptBytes += found.size
        continue
      }
      if (!dryRun) await blobs.remove(digest)
      report.removedBlobs++
      report.removedBytes += found.size
    }
    if (!dryRun) await tidy(repository, referenced, before)
    await syncFolder(paths.blobs)
  } catch (thrown) {
    throw errnoOf(thrown) === undefined ? thrown : fromSystemError(thrown, 'cannot prune', path)
  }
  return report
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
