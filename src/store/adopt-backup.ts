import { DrayError } from '../errors/dray-error.ts'
import type { OwnerLock } from '../files/owner-lock.ts'
import { missingBlobs, sayMissing } from './backup-graph.ts'
import type { BackupSummary } from './backup-summary.ts'
import { ChunkCache } from './chunk-cache.ts'
import { encodeChunkRecord } from './chunk-record.ts'
import { parseIndex, readIndex } from './documents.ts'
import { readMountPart } from './mount-manifest.ts'
import { mediaTypes } from './oci.ts'
import type { Repository } from './repository.ts'

/**
 * Lists a backup whose blobs, but for its index, came from elsewhere and are flushed, under the shared lock with which they were stored. Everything it
 * refers to is looked up before: `damaged` when something is missing. Returns false when it is listed already; throws `conflict`
 * when another one has its id.
 */
export async function adoptBackup(repository: Repository, summary: BackupSummary, index: Buffer, lock: OwnerLock): Promise<boolean> {
  const { id, descriptor } = summary
  const missing = await missingBlobs(repository.blobs, parseIndex(index, `backup "${id}"`).manifests)
  if (missing.length > 0) throw new DrayError('damaged', `backup "${id}" was not kept: ${sayMissing(missing)}`, { hints: ['run the same command again'] })
  if (!(await lock.isHeld())) throw new DrayError('locked', `the lock of the repository "${repository.path}" was taken away while backup "${id}" was written`, { hints: ['run the same command again: what was stored is still there'] })
  const isNew = await repository.list(descriptor, index)
  await learnChunks(repository, descriptor)
  return isNew
}

/** The next backup recognises its chunks. */
export async function learnChunks({ blobs, cacheFolder, config }: Repository, descriptor: BackupSummary['descriptor']): Promise<void> {
  const cache = new ChunkCache(cacheFolder, config.id)
  if ((await cache.load()) === undefined) return
  for (const child of (await readIndex(blobs, descriptor)).manifests) {
    if (child.artifactType !== mediaTypes.mount) continue
    const { content } = await readMountPart(blobs, child)
    await cache.append([...content.chunks, ...content.toc.chunks].map(encodeChunkRecord))
  }
}
