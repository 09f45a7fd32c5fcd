import type { InspectedImage } from '../workflows/look/inspect-image.ts'
import { formatBytes, formatTime } from './format.ts'
import { renderTable } from './table.ts'

/** Values of environment variables are often passwords: only their names are shown. */
export function imageText({ names, id, platform, created, config, steps, sizes }: InspectedImage, width: number): string {
  const list = (value: unknown): string => (Array.isArray(value) ? value.map(String).join(' ') : typeof value === 'object' && value !== null ? Object.keys(value).join(' ') : typeof value === 'string' ? value : '')
  const lines: readonly (readonly [string, string])[] = [
    ['image', `${names.join(', ') || 'without a name'} (${id.replace(/^sha256:/, '').slice(0, 12)}), ${platform}${created === undefined ? '' : `, of ${formatTime(created)}`}`],
    ['entrypoint', list(config['Entrypoint'])], ['command', list(config['Cmd'])], ['user', list(config['User'])], ['folder', list(config['WorkingDir'])],
    ['environment', Array.isArray(config['Env']) ? config['Env'].map(each => String(each).replace(/=.*/s, '')).join(' ') : ''],
    ['ports', list(config['ExposedPorts'])], ['volumes', list(config['Volumes'])],
  ]
  const table = renderTable([
    { title: 'LAYER', value: ({ diffId, bytes }) => (bytes === undefined ? '-' : (diffId?.slice(7, 19) ?? 'layer')) },
    { title: sizes === 'plain' ? 'SIZE' : 'STORED', value: ({ bytes }) => (bytes === undefined ? '' : formatBytes(bytes)), align: 'right' },
    { title: 'MADE BY', value: ({ command }) => command.replace(/\s+/g, ' '), shrink: true },
  ], steps, width)
  return [...lines.filter(([, text]) => text !== '').map(([title, text]) => `${title.padEnd(11)} ${text}`), '', table].join('\n')
}
