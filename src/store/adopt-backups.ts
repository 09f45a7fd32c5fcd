import { DrayError } from '../errors/dray-error.ts'
import { assertHeld, type OwnerLock } from '../files/owner-lock.ts'
import { checkComplete } from './backup-graph.ts'
import { listBackups } from './backup-list.ts'
import type { BackupSummary } from './backup-summary.ts'
import { parseIndex } from './documents.ts'
import { learnChunks } from './learn-chunks.ts'
import type { Repository } from './repository.ts'

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
 * Lists backups of another place under their own ids, as Repository.list does. What their indexes refer to was stored here under `lock`: it is on disk,
 * looked up and touched before. Throws `conflict` or BlobsGone (`damaged`), and lists nothing then.
 */
export async function adoptBackups(repository: Repository, backups: readonly Adoptable[], lock: OwnerLock): Promise<Adopted> {
  const { blobs } = repository
  await blobs.flush()
  for (const { summary, index } of backups) await checkComplete(blobs, parseIndex(index, `backup "${summary.id}"`).manifests, summary.id)
  await assertHeld(lock, `the repository "${repository.path}"`, 'run the same command again: what was stored is still there')
  const adopted = await compareWithList(repository, backups.map(({ summary }) => summary))
  const wanted = backups.filter(({ summary }) => adopted.added.includes(summary))
  await repository.list(wanted.map(({ summary: { descriptor }, index }) => ({ descriptor, index })))
  for (const { summary } of wanted) await learnChunks(repository, summary.descriptor)
  return adopted
}
