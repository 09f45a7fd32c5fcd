import type { BackupSummary } from '../store/backup-summary.ts'
import { formatAge, formatBytes, formatTime } from './format.ts'
import { renderTable, type Column } from './table.ts'

export type ListedBackup = BackupSummary & { /** Those that were backed up alone. */ readonly images: readonly string[]; /** A check found damage in it. */ readonly hurt: boolean }

const columns: readonly (Column<ListedBackup> & { /** What a heading says already. */ readonly saidBy?: string })[] = [
  { title: 'BACKUP', value: ({ id }) => id },
  { title: 'CREATED', value: ({ created }) => formatTime(created) },
  { title: 'AGE', value: ({ created }) => formatAge(Date.now() - Date.parse(created)), align: 'right' },
  { title: 'HOST', value: ({ host }) => host, shrink: true, saidBy: 'container project host' },
  { title: 'OF', value: ({ containers, images, volumes = [] }) => [...containers, ...images, ...volumes.map(name => `volume ${name}`)].join(', ') || '-', shrink: true, saidBy: 'container' },
  { title: 'TAGS', value: ({ tags }) => tags.join(', '), shrink: true, optional: true, saidBy: 'tag' },
  { title: 'LACKS', value: ({ lacks }) => lacks.join('; '), shrink: true, optional: true },
  { title: 'STATE', value: ({ hurt }) => (hurt ? 'damaged' : ''), optional: true },
  { title: 'SIZE', value: ({ bytes }) => formatBytes(bytes), align: 'right' },
]

/** One line for each; `by` is what they are grouped by. */
export function listedTable(backups: readonly ListedBackup[], width: number, by?: string): string {
  return renderTable(columns.filter(({ saidBy }) => by === undefined || saidBy?.includes(by) !== true), backups, width)
}
