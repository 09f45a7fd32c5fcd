import { copyFile, mkdir, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { DrayError, messageOf } from '../errors/dray-error.ts'
import { unlessDamaged } from '../errors/unless-damaged.ts'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'
import type { OwnerLock } from '../files/owner-lock.ts'
import { annotationNames, isBackupId, toSummary, type BackupSummary } from './backup-summary.ts'
import { missingBlobs, readBackup, readContainerSpec, readMount } from './backup-graph.ts'
import type { BlobStore } from './blob-store.ts'
import { isLostContent } from './check-blob.ts'
import { hexOf } from './digest.ts'
import { mostManifestBytes, readIndex } from './documents.ts'
import { readIndexFile, writeIndexFile } from './index-file.ts'
import { mediaTypes, type Descriptor, type Digest } from './oci.ts'
import { openRepository, repositoryPaths, writeConfig, writeLayout, type Repository } from './repository.ts'

/** The artifact type stands in the first bytes of a backup index: other blobs need not be read. */
const sniffedBytes = 512

export type RepairReport = {
  readonly indexWas: 'sound' | 'missing or broken'
  /** Listed before, and still. */
  readonly kept: readonly BackupSummary[]
  /** Complete in the repository, and not listed before. */
  readonly added: readonly BackupSummary[]
  /** Listed ones stay on the list: most of their files may still be read. When the list itself was lost, so are those put on it whose documents can be read. */
  readonly incomplete: readonly IncompleteBackup[]
}

export type IncompleteBackup = { readonly id: string; readonly digest: Digest; readonly listed: boolean; readonly reason: string }

/**
 * For a directory that openRepository finds damaged: writes drayage/config.json and oci-layout again. The default chunk
 * sizes are taken, so that data stored with others is stored once more by the next backup. Anything else is thrown on.
 */
export async function repairLayout(path: string): Promise<void> {
  const paths = repositoryPaths(path)
  try {
    await (await openRepository(path, { create: false })).close()
    await writeLayout(paths)
  } catch (thrown) {
    if (!(thrown instanceof DrayError) || thrown.code !== 'damaged') throw thrown
    await moveAside(paths.config, `${paths.config}.broken`)
    for (const folder of [paths.temporary, paths.cache]) await mkdir(folder, { mode: 0o700, recursive: true })
    await writeLayout(paths)
    await writeConfig(paths)
  }
}

/**
 * Builds index.json from the backups that are stored. Nothing that is listed and readable is taken off; a broken index.json
 * is kept beside as drayage/index.json.broken. Throws when nothing could be written; the old file is there then.
 */
export async function rebuildIndex(repository: Repository, lock: OwnerLock<'exclusive'>): Promise<RepairReport> {
  const old = await unlessDamaged(readIndexFile(repository))
  const found = await findBackupIndexes(repository)
  const listed = old?.manifests ?? []
  const manifests: Descriptor[] = []
  const kept: BackupSummary[] = []
  const added: BackupSummary[] = []
  const incomplete: IncompleteBackup[] = []
  for (const entry of listed) {
    const descriptor = found.find(({ digest }) => digest === entry.digest) ?? entry
    manifests.push(descriptor)
    if (descriptor.artifactType !== mediaTypes.backup) continue
    const why = await whyIncomplete(repository, descriptor)
    const id = idOf(descriptor)
    if (why !== undefined) incomplete.push({ id, digest: descriptor.digest, listed: true, reason: why.reason })
    const summary = isBackupId(id) ? toSummary(descriptor) : undefined
    if (summary) kept.push(summary)
  }
  for (const descriptor of found) {
    if (listed.some(({ digest }) => digest === descriptor.digest)) continue
    const id = idOf(descriptor)
    const doubled = manifests.some(other => idOf(other) === id)
    const why = doubled ? { reason: 'another backup has its id', canBeRead: false } : await whyIncomplete(repository, descriptor)
    const isListed = why === undefined || (old === undefined && why.canBeRead)
    if (why !== undefined) incomplete.push({ id, digest: descriptor.digest, listed: isListed, reason: why.reason })
    if (!isListed) continue
    manifests.push(descriptor)
    const summary = toSummary(descriptor)
    if (summary && why === undefined) added.push(summary)
  }
  if (!(await lock.isHeld())) throw new DrayError('locked', `the lock of the repository "${repository.path}" was taken away`, { hints: ['run the same command again'] })
  if (old === undefined) await keepBroken(repository)
  await writeIndexFile(repository, { ...old, manifests })
  return { indexWas: old === undefined ? 'missing or broken' : 'sound', kept, added, incomplete }
}

/**
 * The backups that are stored, listed or not, among the blobs that `isCandidate`: their descriptors as they stand in index.json,
 * newest first, so that of two with one id the newer is taken.
 */
export async function findBackupIndexes({ blobs, paths }: Pick<Repository, 'blobs' | 'paths'>, isCandidate: (digest: Digest) => boolean = () => true): Promise<Descriptor[]> {
  const found: Descriptor[] = []
  for await (const digest of blobs.list()) {
    if (!isCandidate(digest)) continue
    const size = (await blobs.stat(digest))?.size ?? 0
    if (size > mostManifestBytes || !(await sniff(join(paths.blobs, hexOf(digest)))).includes(mediaTypes.backup)) continue
    const index = await readIndex(blobs, { digest }).catch(() => undefined)
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

/** `canBeRead`: all its documents are there, so that the rest can be restored. */
async function whyIncomplete({ blobs }: Repository, descriptor: Descriptor): Promise<{ readonly reason: string; readonly canBeRead: boolean } | undefined> {
  try {
    const missing = await missingBlobs(blobs, descriptor)
    if (missing.length === 0) return undefined
    const reason = `${missing.length} blobs are missing, "${missing[0] ?? ''}" first`
    return { reason, canBeRead: await canBeRead(blobs, descriptor) }
  } catch (thrown) {
    if (thrown instanceof DrayError && ['damaged', 'io-failed'].includes(thrown.code)) return { reason: messageOf(thrown), canBeRead: false }
    throw thrown
  }
}

async function canBeRead(blobs: BlobStore, descriptor: Descriptor): Promise<boolean> {
  const contents = await readBackup(blobs, descriptor)
  const reading = Promise.all([...contents.containers.map(manifest => readContainerSpec(blobs, manifest)), ...contents.mounts.map(mount => readMount(blobs, mount))])
  return await reading.then(() => true, (thrown: unknown) => {
    if (thrown instanceof DrayError && thrown.code === 'damaged') return false
    throw thrown
  })
}

function idOf({ annotations }: Descriptor): string {
  return annotations?.[annotationNames.id] ?? ''
}

async function moveAside(path: string, to: string): Promise<void> {
  await rename(path, to).catch((thrown: unknown) => {
    if (errnoOf(thrown) !== 'ENOENT') throw fromSystemError(thrown, 'cannot move aside', path)
  })
}

async function keepBroken({ paths }: Repository): Promise<void> {
  await copyFile(paths.index, join(paths.root, 'drayage', 'index.json.broken')).catch((thrown: unknown) => {
    if (errnoOf(thrown) !== 'ENOENT') throw fromSystemError(thrown, 'cannot keep the broken', paths.index)
  })
}
