/** Backups of ours in an archive or layout, after the digests of everything in them: whether their documents fit together. */
import { DrayError } from '../errors/dray-error.ts'
import { readBackup, readContainerSpec } from '../store/backup-graph.ts'
import { annotationNames, toSummary, type BackupSummary } from '../store/backup-summary.ts'
import type { BlobReader } from '../store/blob-reader.ts'
import type { ChunkRef } from '../store/chunk-ref.ts'
import { parseIndex } from '../store/documents.ts'
import { readMountPart } from '../store/mount-manifest.ts'
import { containerdNameKey, mediaTypes, type Descriptor, type Digest } from '../store/oci.ts'
import type { Checking } from './check-file.ts'
import { checkMountParts, factsOfPart, type PartFacts } from './check-mount-parts.ts'
import { blobPath } from './check-oci-manifest.ts'
import { listDifference } from './list-difference.ts'
import { MemberDocuments } from './member-documents.ts'

const view = 'index.json'

/** The backups that index.json lists; what cannot be read of them is a finding already. */
export async function checkArchivedBackups(checking: Checking): Promise<BackupSummary[]> {
  const documents = new MemberDocuments(checking.members)
  const backups: BackupSummary[] = []
  for (const listed of await listedBackups(checking)) {
    const backup = await checkBackup(checking, documents, listed)
    if (backup === undefined) continue
    if (backups.some(({ id }) => id === backup.id)) checking.findings.add('backup-doubled', { member: backup.id, view })
    backups.push(backup)
  }
  return backups.sort((one, other) => (one.created < other.created ? -1 : 1))
}

async function listedBackups({ members }: Checking): Promise<readonly Descriptor[]> {
  const file = await members.find(view)
  if (file === undefined || 'broken' in file || file.content.kind !== 'document') return []
  const { bytes } = file.content
  return tryDamaged(() => parseIndex(bytes, view))?.manifests.filter(({ artifactType }) => artifactType === mediaTypes.backup) ?? []
}

async function checkBackup(checking: Checking, documents: BlobReader, listed: Descriptor): Promise<BackupSummary | undefined> {
  const { findings } = checking
  try {
    const { annotations } = parseIndex(await documents.read(listed.digest), `backup "${listed.digest}"`)
    const backup = toSummary({ ...listed, annotations: annotations ?? {} })
    if (backup === undefined) return undefined
    // an export has an annotation more, for the containerd store
    const difference = listDifference(annotations, listed.annotations, [containerdNameKey])
    if (difference !== undefined) findings.add('list-differs', { member: listed.annotations?.[annotationNames.id] ?? listed.digest, view, ...difference })
    const { containers, mounts } = await readBackup(documents, listed)
    for (const container of containers) await readContainerSpec(documents, container)
    for (const { id, parts } of mounts) {
      const facts: PartFacts[] = []
      for (const part of parts) facts.push(await checkPart(checking, documents, part))
      for (const found of checkMountParts(id, facts)) findings.add('mount-inconsistent', { member: `${backup.id}/${id}`, view, found })
    }
    return backup
  } catch (thrown) {
    if (!(thrown instanceof DrayError) || thrown.code !== 'damaged') throw thrown
    findings.add('document-broken', { member: listed.digest, view, found: thrown.message })
    return undefined
  }
}

async function checkPart(checking: Checking, documents: BlobReader, descriptor: Descriptor): Promise<PartFacts> {
  const part = await readMountPart(documents, descriptor)
  for (const chunk of [...part.content.chunks, ...part.content.toc.chunks]) await checkChunk(checking, chunk)
  return factsOfPart(part)
}

/** One that could not be unpacked, as it becomes too large, has the digest of its name at least. */
async function checkChunk({ members, findings }: Checking, { digest, key, length }: ChunkRef): Promise<void> {
  const name = blobPath(digest)
  const file = await members.find(name)
  if (file === undefined || 'broken' in file || file.digest !== digest || file.content.kind !== 'data') return
  const { plainDigest, plainBytes, problem } = file.content
  const plain: Digest = `sha256:${key}`
  if (plainDigest === undefined ? problem?.code === 'layer-damaged' : plainDigest !== plain || plainBytes !== length) {
    findings.add('chunk-damaged', { member: name, view, expected: plain, found: plainDigest ?? problem?.words ?? '' })
  }
}

function tryDamaged<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (thrown) {
    if (!(thrown instanceof DrayError) || thrown.code !== 'damaged') throw thrown
    return undefined
  }
}
