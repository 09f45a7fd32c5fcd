import type { ImageFacts } from '../workflows/look/read-images.ts'
import type { DescribedMount } from '../workflows/mount-description.ts'
import { formatBytes } from './format.ts'
import { renderTable } from './table.ts'

export function imageTable(rows: readonly ImageFacts[], width: number): string {
  if (rows.length === 0) return 'no images'
  return renderTable([
    { title: 'IMAGE', value: ({ role }) => role },
    { title: 'NAMES', value: ({ names }) => names.join(', ') || '-', shrink: true },
    { title: 'PLATFORM', value: ({ platform }) => platform },
    { title: 'LAYERS', value: ({ layers }) => String(layers), align: 'right' },
    { title: 'STORED', value: ({ bytes }) => formatBytes(bytes), align: 'right' },
  ], rows, width)
}

export function mountTable(mounts: readonly DescribedMount[], width: number): string {
  if (mounts.length === 0) return 'no mounts'
  return renderTable([
    { title: 'MOUNT', value: ({ id }) => id },
    { title: 'AT', value: ({ destinations }) => destinations.map(({ path }) => path).join(', ') || '-', shrink: true },
    { title: 'SOURCE', value: ({ kind, label }) => (kind === 'volume' ? label : `${kind} ${label}`), shrink: true },
    { title: 'ENTRIES', value: ({ entries }) => entries.toLocaleString('en-US'), align: 'right' },
    { title: 'SIZE', value: ({ dataBytes }) => formatBytes(dataBytes), align: 'right' },
    { title: 'READER', value: ({ reader }) => reader },
  ], mounts, width)
}
