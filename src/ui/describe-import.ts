import type { BackupSummary } from '../store/backup-summary.ts'
import type { ImportReport } from '../workflows/import-file.ts'
import { formatBytes, formatCount, formatTime } from './format.ts'

/** What came in, for people; the ids are the result. */
export function importLines({ added, present, images, newBlobs, newBytes }: ImportReport): string[] {
  const of = ({ containers }: BackupSummary): string => (containers.length > 0 ? containers.join(', ') : images.flatMap(({ names }) => names).join(', ') || 'images')
  return [
    ...added.map(backup => `backup ${backup.id} of ${of(backup)}, ${formatTime(backup.created)}, host "${backup.host}"`),
    ...present.map(backup => `backup ${backup.id} of ${of(backup)} was here already, the same`),
    `${formatCount(newBlobs, 'blob')} new in the repository, ${formatBytes(newBytes)}`,
  ]
}

export function importJson({ added, present, images, newBlobs, newBytes }: ImportReport): object {
  const facts = ({ descriptor, ...rest }: BackupSummary): object => ({ ...rest, digest: descriptor.digest })
  return { ids: [...added, ...present].map(({ id }) => id), added: added.map(facts), present: present.map(facts), images: images.map(({ descriptor, names, layers }) => ({ names, digest: descriptor.digest, layers })), newBlobs, newBytes }
}
