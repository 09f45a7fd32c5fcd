import type { ListedVolume } from '../workflows/volumes/list-volumes.ts'
import { formatAge, formatBytes } from './format.ts'
import { renderTable } from './table.ts'

/** One line for each, with the containers that have it; those that do not run in brackets. */
export function volumesTable(volumes: readonly ListedVolume[], width: number): string {
  return renderTable([
    { title: 'KIND', value: ({ kind }) => kind },
    { title: 'NAME OR PATH', value: ({ source }) => source, shrink: true },
    { title: 'DRIVER', value: ({ driver }) => (driver === undefined || driver === 'local' ? '' : driver), optional: true },
    { title: 'CONTAINERS', value: ({ users }) => [...new Set(users.map(({ container, state, readOnly, path }) => `${state === 'running' ? container : `(${container})`}:${path}${readOnly ? ' ro' : ''}`))].join(', ') || '-', shrink: true },
    { title: 'ENTRIES', value: ({ size }) => size?.entries.toLocaleString('en-US') ?? '', align: 'right', optional: true },
    { title: 'SIZE', value: ({ size }) => (size === undefined ? '' : formatBytes(size.dataBytes)), align: 'right', optional: true },
    { title: 'LAST BACKUP', value: ({ lastBackup }) => (lastBackup === undefined ? 'none' : formatAge(Date.now() - Date.parse(lastBackup.created))), align: 'right' },
  ], volumes, width)
}
