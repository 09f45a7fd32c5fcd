import { nameOf } from '../engine/spec/spec-record.ts'
import type { DrilledCopy, DrillReport } from '../workflows/drill.ts'
import { formatBytes, formatCount, formatDuration, formatTime } from './format.ts'

/** What was booted and how that went, in a few lines. */
export function drillText({ copies, command, milliseconds }: DrillReport): string[] {
  return [
    ...copies.flatMap(copyLines),
    ...(command === undefined ? [] : [`  "${command.command}" ended with 0${command.output === '' ? '' : ':'}`, ...(command.output === '' ? [] : command.output.split('\n').map(line => `    ${line}`))]),
    `${copies.every(({ problems }) => problems.length === 0) ? 'the backup boots' : 'the backup boots, but not as it was stored'}: drilled in ${formatDuration(milliseconds)}`,
  ]
}

function copyLines({ stored, copy, state, problems }: DrilledCopy): string[] {
  return [
    `container "${nameOf(stored.spec.inspect)}" of backup ${stored.backup.id} of ${formatTime(stored.backup.created)}`,
    ...copy.mounts.map(({ stored: { described }, isFirst }) => `  ${described.label}: ${formatCount(described.entries, 'entry', 'entries')}, ${formatBytes(described.dataBytes)}, in a volume of its own${isFirst ? '' : ', shared with the one above'}`),
    ...copy.notes.map(note => `  ${note}`),
    ...problems.map(problem => `  not as it was stored: ${problem}`),
    `  state: ${state.status}${state.health === undefined ? '' : `, ${state.health}`}${state.because === undefined ? '' : ` (${state.because})`}`,
  ]
}

export function drillPlanText(copies: readonly Pick<DrilledCopy, 'stored' | 'copy'>[], target: string): string {
  return [
    ...copies.flatMap(({ stored: { backup, spec }, copy: { name, networks, modes, mounts, notes } }) => [
      `would boot container "${nameOf(spec.inspect)}" of backup ${backup.id} of ${formatTime(backup.created)} on ${target}`,
      `  as        "${name}", ${networks.size === 0 ? `with network mode "${modes.NetworkMode}"` : `in ${networks.size === 1 ? 'the internal network' : 'the internal networks'} ${[...networks.keys()].map(network => `"${network}"`).join(', ')}`}, without published ports`,
      ...mounts.filter(({ isFirst }) => isFirst).map(({ stored: { described } }) => `  fills     a volume with ${described.label}: ${formatCount(described.entries, 'entry', 'entries')}, ${formatBytes(described.dataBytes)}`),
      ...notes.map(note => `  note      ${note}`),
    ]),
    'and remove all of it in the end; nothing was changed',
  ].join('\n')
}

/** For `--json`. What one container alone says is said beside it too. */
export function drillJson({ copies, command, milliseconds }: DrillReport): object {
  const containers = copies.map(copyJson)
  return {
    backup: copies[0]?.stored.backup.id,
    ...(containers.length === 1 ? containers[0] : { problems: copies.flatMap(({ problems }) => problems) }),
    ...(command === undefined ? {} : { command }),
    containers,
    milliseconds: Math.round(milliseconds),
  }
}

function copyJson({ stored, copy, state, problems }: DrilledCopy): object {
  return {
    container: nameOf(stored.spec.inspect),
    copy: copy.name,
    mounts: stored.mounts.map(({ described: { source, entries, dataBytes } }) => ({ source, entries, dataBytes })),
    state,
    notes: copy.notes,
    problems,
  }
}
