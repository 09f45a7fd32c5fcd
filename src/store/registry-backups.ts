import { unlessDamaged } from '../errors/unless-damaged.ts'
import { idTags } from './backup-tags.ts'
import { toSummary, type BackupSummary } from './backup-summary.ts'
import { parseIndex } from './documents.ts'
import { mediaTypes, type Descriptor, type Digest, type Index } from './oci.ts'
import type { RegistryBlobs } from './registry-blobs.ts'
import { inParallel } from './in-parallel.ts'

const atOnce = 8

/** The backup that the tag means, with the descriptor that index.json would hold. Undefined when there is no such tag, or when it means something else. */
export async function readTaggedBackup(blobs: RegistryBlobs, tag: string): Promise<{ readonly summary: BackupSummary; readonly index: Index } | undefined> {
  const found = await blobs.repository.getManifest(tag)
  if (found === undefined) return undefined
  const index = await unlessDamaged(Promise.resolve().then(() => parseIndex(found.bytes, `"${tag}"`)))
  if (index?.artifactType !== mediaTypes.backup) return undefined
  const digest = found.digest as Digest
  blobs.keep(digest, found.bytes)
  blobs.noteManifests(index.manifests.map(child => child.digest))
  const descriptor: Descriptor = { mediaType: mediaTypes.index, digest, size: found.bytes.length, artifactType: mediaTypes.backup, annotations: index.annotations ?? {} }
  const summary = toSummary(descriptor)
  return summary === undefined ? undefined : { summary, index }
}

/** All backups under the name, oldest first: what its tags mean. */
export async function listRegistryBackups(blobs: RegistryBlobs): Promise<BackupSummary[]> {
  const found = new Map<string, BackupSummary>()
  await inParallel(idTags(await blobs.repository.listTags()), atOnce, async tag => {
    const backup = await readTaggedBackup(blobs, tag)
    if (backup !== undefined) found.set(backup.summary.descriptor.digest, backup.summary)
  })
  return [...found.values()].sort((a, b) => Date.parse(a.created) - Date.parse(b.created) || (a.id < b.id ? -1 : 1))
}
