import { showName } from '../archive/byte-names.ts'
import type { TocDifference } from '../store/toc-diff.ts'
import type { LayerDifference, SpecDifference } from '../workflows/look/diff-backups.ts'
import { entryJson } from './describe-entry.ts'
import { formatBytes, formatCount } from './format.ts'

/** Values of environment variables are often passwords: only the names of those that differ are shown. */
export function specLines(specs: readonly SpecDifference[]): string[] {
  return specs.flatMap(spec => {
    if ('only' in spec) return [`container ${spec.container}: only in the ${spec.only === 'before' ? 'first' : 'second'}`]
    if (spec.differences.length === 0) return [`container ${spec.container}: the same settings`]
    return [`container ${spec.container}: ${formatCount(spec.differences.length, 'setting differs', 'settings differ')}`, ...spec.differences.map(({ field, recorded, restored }) => `  ${field}: ${field === 'Config.Env' ? envText(recorded, restored) : `${JSON.stringify(recorded)} -> ${JSON.stringify(restored)}`}`)]
  })
}

function envText(before: unknown, after: unknown): string {
  const toMap = (value: unknown): Map<string, string> => new Map((Array.isArray(value) ? value.map(String) : []).map(each => [each.replace(/=.*/s, ''), each]))
  const [one, other] = [toMap(before), toMap(after)]
  return [...new Set([...one.keys(), ...other.keys()])].filter(name => one.get(name) !== other.get(name)).map(name => `${name} ${!one.has(name) ? 'added' : !other.has(name) ? 'removed' : 'changed'}`).join(', ')
}

export function layerLines({ same, added, removed }: LayerDifference): string[] {
  if (same + added.length + removed.length === 0) return []
  if (added.length + removed.length === 0) return [`images: the same ${formatCount(same, 'layer')}`]
  const line = (sign: string) => ({ diffId, bytes }: { readonly diffId: string; readonly bytes: number }) => `  ${sign} layer ${diffId.slice(0, 19)}  ${formatBytes(bytes)}`
  return [`images: ${formatCount(same, 'layer')} the same, ${added.length} added, ${removed.length} removed`, ...removed.map(line('-')), ...added.map(line('+'))]
}

export function differenceLine(difference: TocDifference): string {
  const entry = difference.change === 'removed' ? difference.before : difference.after
  const name = showName(entry.path.length === 1 ? entry.path : entry.path.subarray(2)) + (entry.type === 'd' ? '/' : '')
  const size = entry.type === 'd' ? '' : formatBytes(entry.size)
  if (difference.change !== 'changed') return `  ${difference.change === 'added' ? '+' : '-'} ${size.padStart(9)}  ${name}`
  const { before, after, what } = difference
  const mayDiffer = entry.type === 'f' && what.includes('time') && !what.includes('size') ? ', perhaps content' : ''
  return `  M ${size.padStart(9)}  ${name}  (${what.map(each => (each === 'size' ? sizeChange(before.size, after.size) : each === 'mode' ? `mode ${before.mode.toString(8)} -> ${after.mode.toString(8)}` : each === 'owner' ? `owner ${before.uid}:${before.gid} -> ${after.uid}:${after.gid}` : each)).join(', ')}${mayDiffer})`
}

export function differenceJson(difference: TocDifference): object {
  if (difference.change === 'changed') return { change: 'changed', what: difference.what, ...entryJson(difference.after), before: entryJson(difference.before) }
  return { change: difference.change, ...entryJson(difference.change === 'added' ? difference.after : difference.before) }
}

/** To the byte where two sizes would look the same. */
function sizeChange(before: number, after: number): string {
  const [one, other] = [formatBytes(before), formatBytes(after)]
  return one === other ? `size ${before.toLocaleString('en-US')} -> ${after.toLocaleString('en-US')} bytes` : `size ${one} -> ${other}`
}
