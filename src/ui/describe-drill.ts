import { nameOf } from '../engine/spec/spec-record.ts'
import type { DrillReport } from '../workflows/drill.ts'
import type { IsolatedCopy } from '../workflows/steps/isolate-spec.ts'
import type { StoredContainer } from '../workflows/restore-plan.ts'
import { formatBytes, formatCount, formatDuration, formatTime } from './format.ts'

/** What was booted and how that went, in a few lines. */
export function drillText({ stored, copy, state, command, problems, milliseconds }: DrillReport): string[] {
  return [
    `container "${nameOf(stored.spec.inspect)}" of backup ${stored.backup.id} of ${formatTime(stored.backup.created)}`,
    ...stored.mounts.map(({ described }) => `  ${described.label}: ${formatCount(described.entries, 'entry', 'entries')}, ${formatBytes(described.dataBytes)}, in a volume of its own`),
    ...copy.notes.map(note => `  ${note}`),
    ...problems.map(problem => `  not as it was stored: ${problem}`),
    `  state: ${state.status}${state.health === undefined ? '' : `, ${state.health}`}${state.because === undefined ? '' : ` (${state.because})`}`,
    ...(command === undefined ? [] : [`  "${command.command}" ended with 0${command.output === '' ? '' : ':'}`, ...(command.output === '' ? [] : command.output.split('\n').map(line => `    ${line}`))]),
    `drilled in ${formatDuration(milliseconds)}`,
  ]
}

export function drillPlanText({ backup, spec, mounts }: StoredContainer, { name, network, notes }: IsolatedCopy, target: string): string {
  return [
    `would boot container "${nameOf(spec.inspect)}" of backup ${backup.id} of ${formatTime(backup.created)} on ${target}`,
    `  as        "${name}", in the internal network "${network}", without published ports`,
    ...mounts.map(({ described }) => `  fills     a volume with ${described.label}: ${formatCount(described.entries, 'entry', 'entries')}, ${formatBytes(described.dataBytes)}`),
    ...notes.map(note => `  note      ${note}`),
    'and remove all of it in the end; nothing was changed',
  ].join('\n')
}

/** For `--json`. */
export function drillJson({ stored, copy, state, command, problems, milliseconds }: DrillReport): object {
  return {
    backup: stored.backup.id,
    container: nameOf(stored.spec.inspect),
    copy: copy.name,
    mounts: stored.mounts.map(({ described: { source, entries, dataBytes } }) => ({ source, entries, dataBytes })),
    state,
    ...(command === undefined ? {} : { command }),
    notes: copy.notes,
    problems,
    milliseconds: Math.round(milliseconds),
  }
}
