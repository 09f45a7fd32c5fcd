import { DrayError } from '../errors/dray-error.ts'
import { assertHeld, type OwnerLock } from '../files/owner-lock.ts'
import { learnChunks } from './adopt-backup.ts'
import { checkComplete } from './backup-graph.ts'
import { listBackups } from './backup-list.ts'
import { annotationNames, type BackupSummary } from './backup-summary.ts'
import { parseIndex } from './documents.ts'
import { forgottenIn, withoutForgotten } from './forgotten.ts'
import { changeIndexFile, readIndexFile } from './index-file.ts'
import { mediaTypes, type Descriptor } from './oci.ts'
import { isLocal, type LocalRepository, type Repository } from './repository.ts'

export type Adopted = { readonly added: readonly BackupSummary[]; readonly present: readonly BackupSummary[] }

/** Which of them the list has already, with the same content. Throws `conflict` when it has another backup under one of the ids. */
export async function compareWithList(repository: Pick<Repository, 'readIndex' | 'path'>, backups: readonly BackupSummary[]): Promise<Adopted> {
  const listed = await listBackups(repository)
  const present = backups.filter(({ id, descriptor }) => listed.some(other => other.id === id && other.descriptor.digest === descriptor.digest))
  const other = backups.find(backup => !present.includes(backup) && listed.some(({ id }) => id === backup.id))
  if (other !== undefined) throw new DrayError('conflict', `there is another backup "${other.id}" in "${repository.path}"`, { hints: [`dray show ${other.id} shows it`, 'name another repository with --repo'] })
  return { added: backups.filter(backup => !present.includes(backup)), present }
}

/** A backup of another place, with the bytes of its own index: that blob is written only when it is listed. */
export type Adoptable = { readonly summary: BackupSummary; readonly index: Buffer }

/**
 * Lists backups of another place, in a directory all at once, in a registry one after the other, under their own ids. What their indexes refer to was stored here under `lock`: it is on
 * disk, looked up and touched before. Throws `conflict` or BlobsGone (`damaged`), and lists nothing then.
 */
export async function adoptBackups(repository: Repository, backups: readonly Adoptable[], lock: OwnerLock): Promise<Adopted> {
  const { blobs } = repository
  await blobs.flush()
  for (const { summary, index } of backups) await checkComplete(blobs, parseIndex(index, `backup "${summary.id}"`).manifests, summary.id)
  await assertHeld(lock, `the repository "${repository.path}"`, 'run the same command again: what was stored is still there')
  const adopted = await compareWithList(repository, backups.map(({ summary }) => summary))
  const wanted = backups.filter(({ summary }) => adopted.added.includes(summary))
  if (isLocal(repository)) await listAtOnce(repository, wanted)
  else for (const { summary, index } of wanted) await repository.list(summary.descriptor, index)
  for (const { summary } of wanted) await learnChunks(repository, summary.descriptor)
  return adopted
}

async function listAtOnce(repository: LocalRepository, backups: readonly Adoptable[]): Promise<void> {
  const { blobs } = repository
  const added: readonly Descriptor[] = backups.map(({ summary }) => summary.descriptor)
  if (added.length === 0) return
  try {
    await changeIndexFile(repository, async listed => {
      const taken = backups.map(({ summary }) => summary).find(({ id }) => listed.manifests.some(({ annotations }) => annotations?.[annotationNames.id] === id))
      if (taken !== undefined) throw new DrayError('conflict', `a backup "${taken.id}" was written to "${repository.path}" meanwhile`, { hints: ['run the same command again'] })
      for (const { index } of backups) await blobs.put(index, mediaTypes.index)
      await blobs.flush()
      const forgotten = new Set([...forgottenIn(listed)].filter(digest => !added.some(each => each.digest === digest)))
      return withoutForgotten({ ...listed, manifests: [...listed.manifests, ...added] }, forgotten)
    })
  } catch (thrown) {
    // one that is stored and not on the list would be kept by prune
    const now = await readIndexFile(repository).catch(() => undefined)
    for (const { digest } of now === undefined ? [] : added) if (now?.manifests.every(other => other.digest !== digest) === true) await blobs.remove(digest)
    throw thrown
  }
}
