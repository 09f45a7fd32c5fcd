import type { BackupSummary } from '../../store/backup-summary.ts'
import type { Subject } from '../../ui/wizard/ask-subject.ts'

/** What the backups are of, the newest first; a project where it has several containers. `backups` are in the order of the list, the oldest first. */
export function subjectsOf(backups: readonly BackupSummary[]): Subject[] {
  const subjects = new Map<string, Subject>()
  for (const { containers, project, host, engine, created } of backups) {
    const names = [...(project !== undefined && containers.length > 1 ? [{ kind: 'project' as const, name: project }] : []), ...containers.map(name => ({ kind: 'container' as const, name }))].reverse()
    for (const { kind, name } of names) {
      const key = JSON.stringify([kind, name, engine])
      const count = (subjects.get(key)?.count ?? 0) + 1
      subjects.delete(key)
      subjects.set(key, { kind, name, host, engine, count, newest: created })
    }
  }
  return [...subjects.values()].reverse()
}

/** The backups of one, the newest first. */
export function backupsOf<Backup extends BackupSummary>({ kind, name, engine }: Subject, backups: readonly Backup[]): Backup[] {
  return backups.filter(backup => backup.engine === engine && (kind === 'project' ? backup.project === name && backup.containers.length > 1 : backup.containers.includes(name))).reverse()
}
