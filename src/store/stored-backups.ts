import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { isLostContent } from '../errors/lost-content.ts'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'
import { unlessLost } from '../errors/unless-damaged.ts'
import { annotationNames, isBackupId } from './backup-summary.ts'
import { hexOf } from './digest.ts'
import { mostManifestBytes, readIndex } from './documents.ts'
import { mediaTypes, type Descriptor, type Digest } from './oci.ts'
import type { LocalRepository } from './repository.ts'

/** The artifact type stands in the first bytes of a backup index: other blobs need not be read. */
const sniffedBytes = 512

/**
 * The backups that are stored, listed or not, among the blobs that `isCandidate`: their descriptors as they stand in index.json,
 * newest first, so that of two with one id the newer is taken.
 */
export async function findBackupIndexes({ blobs, paths }: Pick<LocalRepository, 'blobs' | 'paths'>, isCandidate: (digest: Digest) => boolean = () => true): Promise<Descriptor[]> {
  const found: Descriptor[] = []
  for await (const digest of blobs.list()) {
    if (!isCandidate(digest)) continue
    const size = (await blobs.stat(digest))?.size ?? 0
    if (size > mostManifestBytes || !(await sniff(join(paths.blobs, hexOf(digest)))).includes(mediaTypes.backup)) continue
    const index = await unlessLost(readIndex(blobs, { digest }))
    if (index?.artifactType !== mediaTypes.backup || index.annotations === undefined) continue
    const descriptor: Descriptor = { mediaType: mediaTypes.index, digest, size, artifactType: mediaTypes.backup, annotations: index.annotations }
    if (isBackupId(idOf(descriptor))) found.push(descriptor)
  }
  const created = ({ annotations }: Descriptor) => Date.parse(annotations?.[annotationNames.created] ?? '') || 0
  return found.sort((a, b) => created(b) - created(a))
}

/** The first bytes; none of what cannot be read, or is no file. */
async function sniff(path: string): Promise<string> {
  try {
    const file = await open(path, 'r')
    try {
      const first = Buffer.alloc(sniffedBytes)
      const { bytesRead } = await file.read(first, 0, sniffedBytes, 0)
      return first.toString('latin1', 0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (thrown) {
    if (isLostContent(thrown) || ['EISDIR', 'ENOENT', 'ENXIO'].includes(errnoOf(thrown) ?? '')) return ''
    throw fromSystemError(thrown, 'cannot read blob', path)
  }
}

export function idOf({ annotations }: Descriptor): string {
  return annotations?.[annotationNames.id] ?? ''
}
