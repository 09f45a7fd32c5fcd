import { DrayError, messageOf } from '../errors/dray-error.ts'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'
import { unlessLost } from '../errors/unless-damaged.ts'
import { annotationNames } from './backup-summary.ts'
import { DigestSet } from './digest-set.ts'
import { indexTypes, manifestTypes, readIndex } from './documents.ts'
import { findForgotten } from './forgotten.ts'
import { readIndexFile } from './index-file.ts'
import { findInterrupted } from './listing.ts'
import type { Descriptor, Digest } from './oci.ts'
import { reachableFrom } from './reachable.ts'
import type { LocalRepository } from './repository.ts'
import { SizedDigests } from './sized-digests.ts'
import { findBackupIndexes, idOf } from './stored-backups.ts'

export type GarbageOptions = {
  /** Blobs younger than this stay: those of a failed run are there for the next one. */
  readonly graceMs: number
  /** What would be garbage if these were not listed any more. */
  readonly without?: ReadonlySet<Digest>
  readonly signal?: AbortSignal
  /** For every document that was read, with its size. */
  readonly onRead?: (bytes: number) => void
}

export type GarbageCounts = {
  /** What nothing refers to, and is older than the grace. */
  readonly removedBlobs: number
  readonly removedBytes: number
  /** What nothing refers to, and is younger. */
  readonly youngBlobs: number
  readonly youngBytes: number
  /** What is referred to. */
  readonly keptBlobs: number
  readonly keptBytes: number
  /** What is referred to and not there: then backups are damaged. */
  readonly missingBlobs: number
  /** Ids of the backups that are stored, and neither on the list nor forgotten: the list is an older one. What they refer to counts as referred to. */
  readonly unlisted: readonly string[]
}

export type Garbage = { readonly digests: SizedDigests; readonly referenced: DigestSet; readonly counts: GarbageCounts }

/** What a prune would remove, and what would stay. Throws `damaged`, naming the backups, when it cannot be known what they refer to. */
export async function findGarbage(repository: LocalRepository, options: GarbageOptions): Promise<Garbage> {
  const { blobs, path } = repository
  const { referenced, bytes, unlisted } = await findReferenced(repository, options)
  const before = Date.now() - options.graceMs
  const digests = new SizedDigests()
  const counts = { removedBytes: 0, youngBlobs: 0, youngBytes: 0, keptBlobs: 0 }
  const look = (digest: Digest): void => {
    const found = blobs.statNow(digest)
    if (found === undefined) return
    if (found.mtimeMs > before) {
      counts.youngBlobs++
      counts.youngBytes += found.size
    } else {
      digests.add(digest, found.size)
      counts.removedBytes += found.size
    }
  }
  try {
    for await (const digest of blobs.list()) {
      options.signal?.throwIfAborted()
      if (referenced.has(digest)) counts.keptBlobs++
      else look(digest)
    }
  } catch (thrown) {
    throw errnoOf(thrown) === undefined ? thrown : fromSystemError(thrown, 'cannot read the repository', path)
  }
  return { digests, referenced, counts: { ...counts, removedBlobs: digests.size, keptBytes: bytes, missingBlobs: referenced.size - counts.keptBlobs, unlisted } }
}

async function findReferenced(repository: LocalRepository, { without = new Set(), signal, onRead }: GarbageOptions): Promise<{ readonly referenced: DigestSet; readonly bytes: number; readonly unlisted: readonly string[] }> {
  const { blobs, path } = repository
  const referenced = new DigestSet()
  const unreadable: { readonly root: Descriptor; readonly reason: string }[] = []
  let bytes = 0
  const refer = async (root: Descriptor): Promise<void> => {
    signal?.throwIfAborted()
    for await (const { mediaType, size } of reachableFrom(blobs, [root], referenced)) {
      bytes += size
      if (indexTypes.includes(mediaType) || manifestTypes.includes(mediaType)) onRead?.(size)
    }
  }
  const index = await readIndexFile(repository)
  for (const root of [...index.manifests, ...(await findInterrupted(repository, index))]) {
    if (without.has(root.digest)) continue
    try {
      await refer(root)
    } catch (thrown) {
      if (!(thrown instanceof DrayError) || thrown.code !== 'damaged') throw thrown
      unreadable.push({ root, reason: messageOf(thrown) })
    }
  }
  if (unreadable.length > 0) throw cannotKnow(path, unreadable)
  const forgotten = await findForgotten(repository, index)
  const unlisted = await findBackupIndexes(repository, digest => !referenced.has(digest) && !forgotten.has(digest) && !without.has(digest))
  for (const backup of unlisted) {
    for (const child of (await readIndex(blobs, backup)).manifests) await unlessLost(refer(child))
    referenced.add(backup.digest)
    bytes += backup.size
  }
  return { referenced, bytes, unlisted: unlisted.map(idOf) }
}

function cannotKnow(path: string, unreadable: readonly { readonly root: Descriptor; readonly reason: string }[]): DrayError {
  const names = unreadable.map(({ root }) => root.annotations?.[annotationNames.id] ?? root.digest)
  return new DrayError('damaged', `nothing was removed from "${path}": it is not known what is needed by ${names.map(name => `"${name}"`).join(', ')}: ${unreadable[0]?.reason ?? ''}`, {
    hints: ['dray verify names the damaged backups, and what they have lost', `to give them up: dray forget ${names.join(' ')}`],
  })
}
