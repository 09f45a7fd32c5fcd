import type { BackupSummary } from '../../store/backup-summary.ts'
import { formatAge, formatBytes, formatTime } from '../format.ts'
import { renderTable, type Column } from '../table.ts'
import { choose, type Back } from './questions.ts'

export type Point = BackupSummary & { /** A check found damage in it. */ readonly hurt: boolean; /** What changed since the one before, and when it was checked, in words. */ readonly about?: string }

const columns: readonly Column<Point>[] = [
  { title: 'CREATED', value: ({ created }) => formatTime(created) },
  { title: 'AGE', value: ({ created }) => formatAge(Date.now() - Date.parse(created)), align: 'right' },
  { title: 'SIZE', value: ({ bytes }) => formatBytes(bytes), align: 'right' },
  { title: 'TAGS', value: ({ tags }) => tags.join(', '), shrink: true, optional: true },
  { title: 'STATE', value: ({ hurt, lacks }) => [...(hurt ? ['damaged'] : []), ...(lacks.length > 0 ? [`lacks ${lacks.join('; ')}`] : [])].join(', '), shrink: true, optional: true },
]

/** Which backup, of those that are given, the newest first. The default is the one that `latest` would be. */
export async function askPoint(signal: AbortSignal, points: readonly Point[], latest: Point | undefined, width: number): Promise<Point | Back> {
  const [title = '', ...lines] = renderTable(columns, points, Math.min(width, 200) - 4).split('\n')
  return await choose(signal, 'As it was when?', [{ heading: ` ${title}` }, ...points.map((value, at) => ({ name: lines[at] ?? value.id, value, short: `${formatTime(value.created)} (${value.id})`, description: `backup ${value.id}${value.about === undefined ? '' : `: ${value.about}`}` }))], latest)
}
