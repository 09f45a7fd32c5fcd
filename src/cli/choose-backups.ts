import { DrayError } from '../errors/dray-error.ts'
import { listBackups } from '../store/backup-list.ts'
import type { BackupSummary } from '../store/backup-summary.ts'
import type { Repository } from '../store/repository.ts'
import { chooseBackup } from '../workflows/steps/choose-backup.ts'

/** Ids, beginnings of ids, and "latest", which the name of a container may follow. Each backup once, in the order in which they were named. */
export async function chooseBackups(repository: Repository, words: readonly string[], warn: (text: string) => void): Promise<BackupSummary[]> {
  const containers = new Set((await listBackups(repository)).flatMap(backup => backup.containers))
  const chosen = new Map<string, BackupSummary>()
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    const next = words[at + 1]
    const container = word === 'latest' && next !== undefined && containers.has(next) ? next : undefined
    if (container !== undefined) at++
    const backup = await chooseBackup(repository, word, container, warn)
    chosen.set(backup.id, backup)
  }
  if (chosen.size === 0) throw new DrayError('usage', 'name a backup', { hints: ['dray list shows the backups'] })
  return [...chosen.values()]
}
