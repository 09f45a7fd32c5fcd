import { copyFile, mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { DrayError, messageOf } from '../errors/dray-error.ts'
import { isLostContent } from '../errors/lost-content.ts'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'
import { unlessDamaged } from '../errors/unless-damaged.ts'
import { assertHeld, type OwnerLock } from '../files/owner-lock.ts'
import { missingBlobs, sayMissing } from './backup-graph.ts'
import { annotationNames, isBackupId, toSummary, type BackupSummary } from './backup-summary.ts'
import { readIndex } from './documents.ts'
import { findForgotten, finishForgetting, withoutForgotten } from './forgotten.ts'
import { readIndexFile, writeIndexFile } from './index-file.ts'
import { mediaTypes, type Descriptor, type Digest, type Index } from './oci.ts'
import { openRepository, repositoryPaths, writeConfig, writeLayout, type LocalRepository } from './repository.ts'
import { findBackupIndexes, idOf } from './stored-backups.ts'

export type RepairReport = {
  readonly indexWas: 'sound' | 'missing or broken'
  /** Listed before, and still. */
  readonly kept: readonly BackupSummary[]
  /** The list said something else of them than they themselves. */
  readonly corrected: readonly BackupSummary[]
  /** Complete in the repository, and not listed before. */
  readonly added: readonly BackupSummary[]
  /** On the list all the same, or put on it: the rest of their files may still be read. */
  readonly incomplete: readonly IncompleteBackup[]
  /** They had the id of another backup. */
  readonly renamed: readonly { readonly id: string; readonly was: string }[]
}

export type IncompleteBackup = { readonly id: string; readonly digest: Digest; readonly reason: string }

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
 * Builds index.json from the backups that are stored, but for those that were forgotten. Nothing that is listed is taken off;
 * of two with one id the listed or else the newer one keeps it. A broken index.json is kept beside as drayage/index.json.broken.
 * Throws when nothing could be written; the old file is there then.
 */
export async function rebuildIndex(repository: LocalRepository, lock: OwnerLock<'exclusive'>): Promise<RepairReport> {
  const old = await unlessDamaged(readIndexFile(repository))
  const listed = old?.manifests ?? []
  const forgotten = await findForgotten(repository, { manifests: listed, ...old })
  const stored = await findBackupIndexes(repository, digest => !forgotten.has(digest))
  const manifests: Descriptor[] = []
  const [kept, added, corrected]: [BackupSummary[], BackupSummary[], BackupSummary[]] = [[], [], []]
  const incomplete: IncompleteBackup[] = []
  const renamed: { id: string; was: string }[] = []
  const unlisted = stored.filter(({ digest }) => !listed.some(other => other.digest === digest))
  for (const [at, entry] of [...listed, ...unlisted].entries()) {
    if (entry.artifactType === mediaTypes.backup && manifests.some(({ digest }) => digest === entry.digest)) continue
    const own = stored.find(({ digest }) => digest === entry.digest)
    const isTaken = (id: string): boolean => manifests.some(other => idOf(other) === id)
    const descriptor = own === undefined ? entry : isTaken(idOf(own)) ? await withOtherId(repository, own, isTaken) : own
    manifests.push(descriptor)
    if (descriptor.artifactType !== mediaTypes.backup) continue
    const id = idOf(descriptor)
    if (own !== undefined && descriptor !== own) {
      renamed.push({ id, was: idOf(own) })
      forgotten.add(own.digest)
    }
    const reason = await whyIncomplete(repository, descriptor)
    if (reason !== undefined) incomplete.push({ id, digest: descriptor.digest, reason })
    const summary = isBackupId(id) ? toSummary(descriptor) : undefined
    if (summary && descriptor === own && at < listed.length && !isDeepStrictEqual(own.annotations, entry.annotations)) corrected.push(summary)
    if (summary && at < listed.length) kept.push(summary)
    else if (summary && reason === undefined) added.push(summary)
  }
  await assertHeld(lock, `the repository "${repository.path}"`)
  if (old === undefined) await keepBroken(repository)
  const index = withoutForgotten({ schemaVersion: 2, mediaType: mediaTypes.index, ...old, manifests }, forgotten)
  await writeIndexFile(repository, index)
  await finishForgetting(repository, index)
  return { indexWas: old === undefined ? 'missing or broken' : 'sound', kept, corrected, added, incomplete, renamed }
}

/** The same backup with an id that no other has. */
async function withOtherId({ blobs }: LocalRepository, backup: Descriptor, isTaken: (id: string) => boolean): Promise<Descriptor> {
  let number = 2
  const otherId = (): string => `${idOf(backup).slice(0, 120)}-${number}`
  while (isTaken(otherId())) number++
  const annotations = { ...backup.annotations, [annotationNames.id]: otherId() }
  const index: Index = { ...(await readIndex(blobs, backup)), annotations }
  const written = await blobs.put(Buffer.from(JSON.stringify(index)), mediaTypes.index)
  await blobs.flush()
  return { ...written, artifactType: mediaTypes.backup, annotations }
}

async function whyIncomplete({ blobs }: LocalRepository, descriptor: Descriptor): Promise<string | undefined> {
  try {
    const missing = await missingBlobs(blobs, [descriptor])
    return missing.length === 0 ? undefined : sayMissing(missing)
  } catch (thrown) {
    if (isLostContent(thrown)) return messageOf(thrown)
    throw thrown
  }
}

async function moveAside(path: string, to: string): Promise<void> {
  await rename(path, to).catch((thrown: unknown) => {
    if (errnoOf(thrown) !== 'ENOENT') throw fromSystemError(thrown, 'cannot move aside', path)
  })
}

async function keepBroken({ paths }: LocalRepository): Promise<void> {
  await copyFile(paths.index, join(paths.root, 'drayage', 'index.json.broken')).catch((thrown: unknown) => {
    if (errnoOf(thrown) !== 'ENOENT') throw fromSystemError(thrown, 'cannot keep the broken', paths.index)
  })
}
