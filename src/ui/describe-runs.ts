import type { RunSummary } from '../store/run-summaries.ts'
import { formatBytes, formatCount, formatDuration, formatTime } from './format.ts'
import { renderTable } from './table.ts'

/** One line for each run. */
export function runsTable(runs: readonly RunSummary[], width: number): string {
  return renderTable(
    [
      { title: 'RUN', value: ({ run }) => run },
      { title: 'STARTED', value: ({ startedAt }) => formatTime(startedAt) },
      { title: 'TOOK', value: run => (run.endedAt === undefined ? '-' : formatDuration(tookMs(run))), align: 'right' },
      { title: 'JOB', value: ({ job }) => job ?? '', optional: true, shrink: true },
      { title: 'BACKUPS', value: ({ backups }) => String(backups.length), align: 'right' },
      { title: 'NEW', value: ({ backups }) => formatBytes(sum(backups.map(({ storedBytes }) => storedBytes))), align: 'right' },
      { title: 'FORGOT', value: ({ forgotten }) => (forgotten.length === 0 ? '' : String(forgotten.length)), align: 'right', optional: true },
      { title: 'RESULT', value: resultOf, shrink: true },
    ],
    runs,
    width,
  )
}

function resultOf({ endedAt, exitCode, failed, warnings }: RunSummary): string {
  if (endedAt === undefined) return 'did not end: killed, or still at work'
  if (exitCode === 0) return 'ok'
  const why = failed.length > 0 ? failed.map(({ what }) => what).join(', ') : (warnings[0] ?? '')
  return `${exitCode === 3 ? 'incomplete' : `failed (${exitCode ?? '?'})`}${why === '' ? '' : `: ${why}`}`
}

/** A run for a mail or a ping: a line that says it all, then each backup, failure and warning. */
export function runText(summary: RunSummary): string {
  const { job, backups, failed, warnings, forgotten, exitCode } = summary
  const headline = exitCode === 0 ? 'done' : exitCode === 3 ? 'done, but incomplete' : `failed (exit code ${exitCode ?? '?'})`
  return [
    `${job === undefined ? summary.command : `job ${job}`}: ${headline}: ${formatCount(backups.length, 'backup')} in ${formatDuration(tookMs(summary))}${forgotten.length === 0 ? '' : `, ${formatCount(forgotten.length, 'older one')} forgotten`}`,
    ...backups.map(({ id, host, of, entries, dataBytes, storedBytes, restMs, incomplete }) => `${incomplete ? 'INCOMPLETE ' : ''}${id}: ${of.join(', ')} on ${host}: ${formatCount(entries, 'entry', 'entries')}, ${formatBytes(dataBytes)}, ${formatBytes(storedBytes)} new, at rest for ${formatDuration(restMs)}`),
    ...failed.map(({ what, message }) => `FAILED ${what}: ${message}`),
    ...warnings.map(text => `warning: ${text}`),
  ].join('\n')
}

function tookMs({ startedAt, endedAt }: RunSummary): number {
  return endedAt === undefined ? 0 : Date.parse(endedAt) - Date.parse(startedAt)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, each) => total + each, 0)
}
