/** The Prometheus text format, for node_exporter's textfile collector. */
import { readFile } from 'node:fs/promises'
import { writeFileAtomically } from '../../files/atomic-file.ts'
import { acquireOwnerLock, assertHeld } from '../../files/owner-lock.ts'
import type { RunSummary } from '../../store/run-summaries.ts'

type Sample = { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly value: number }

const meanings = {
  dray_run_start_timestamp_seconds: 'When the last run of the job began.',
  dray_run_end_timestamp_seconds: 'When the last run of the job ended.',
  dray_run_success_timestamp_seconds: 'When a run of the job last ended with exit code 0.',
  dray_run_exit_code: 'Exit code of the last run: 0 is success, 3 incomplete.',
  dray_run_failures: 'Containers and hosts that the last run failed for.',
  dray_run_warnings: 'Warnings of the last run.',
  dray_backup_timestamp_seconds: 'When the container was last backed up by the job.',
  dray_backup_incomplete: '1 if that backup lacks something.',
  dray_backup_entries: 'Files and folders in that backup.',
  dray_backup_data_bytes: 'Bytes of the files in that backup.',
  dray_backup_stored_bytes: 'Bytes that it added to the repository.',
  dray_backup_rest_seconds: 'How long the container was paused or stopped for it.',
} as const

/** Names that hold for a container that was backed up before, until it is backed up again. */
const lasting = new Set<string>(Object.keys(meanings).filter(name => name.startsWith('dray_backup_') || name === 'dray_run_success_timestamp_seconds'))

const waitMs = 10_000

/**
 * Writes the file at once (0644). What it says of other jobs stays, and of this one what the run says nothing new about. Jobs that end
 * at one time write one after the other, by a lock in `lockFolder`.
 */
export async function writeMetrics(path: string, job: string, summary: RunSummary, lockFolder: string): Promise<void> {
  await using lock = await acquireOwnerLock(lockFolder, 'exclusive', { command: 'write metrics', waitMs })
  const fresh = samplesOf(job, summary)
  const names = new Set(fresh.map(keyOf))
  const kept = parseSamples(await readFile(path, 'utf8').catch(() => '')).filter(sample => (sample.labels['job'] !== job || lasting.has(sample.name)) && !names.has(keyOf(sample)))
  await assertHeld(lock, `"${path}"`)
  await writeFileAtomically(path, formatSamples([...kept, ...fresh]), { mode: 0o644 })
}

function samplesOf(job: string, { startedAt, endedAt = startedAt, exitCode = 1, failed, warnings, backups }: RunSummary): Sample[] {
  const ended = Date.parse(endedAt) / 1000
  const of = (name: keyof typeof meanings, value: number, labels: Readonly<Record<string, string>> = {}): Sample => ({ name, labels: { job, ...labels }, value })
  return [
    of('dray_run_start_timestamp_seconds', Date.parse(startedAt) / 1000),
    of('dray_run_end_timestamp_seconds', ended),
    ...(exitCode === 0 ? [of('dray_run_success_timestamp_seconds', ended)] : []),
    of('dray_run_exit_code', exitCode),
    of('dray_run_failures', failed.length),
    of('dray_run_warnings', warnings.length),
    ...backups.flatMap(({ created, host, of: names, entries, dataBytes, storedBytes, restMs, incomplete }) => names.flatMap(container => [
      of('dray_backup_timestamp_seconds', Date.parse(created) / 1000, { host, container }),
      of('dray_backup_incomplete', incomplete ? 1 : 0, { host, container }),
      of('dray_backup_entries', entries, { host, container }),
      of('dray_backup_data_bytes', dataBytes, { host, container }),
      of('dray_backup_stored_bytes', storedBytes, { host, container }),
      of('dray_backup_rest_seconds', restMs / 1000, { host, container }),
    ])),
  ]
}

function keyOf({ name, labels }: Sample): string {
  return JSON.stringify([name, Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))])
}

function formatSamples(samples: readonly Sample[]): string {
  return Object.entries(meanings).flatMap(([name, meaning]) => {
    const own = samples.filter(sample => sample.name === name)
    return own.length === 0 ? [] : [`# HELP ${name} ${meaning}`, `# TYPE ${name} gauge`, ...own.map(({ labels, value }) => `${name}{${Object.entries(labels).map(([label, text]) => `${label}="${escape(text)}"`).join(',')}} ${value}`)]
  }).join('\n') + '\n'
}

function escape(text: string): string {
  return text.replace(/[\\"\n]/g, char => (char === '\n' ? '\\n' : `\\${char}`))
}

function parseSamples(text: string): Sample[] {
  return text.split('\n').flatMap(line => {
    const [, name, labels, value] = /^(dray_\w+)\{(.*)\} (\S+)$/.exec(line) ?? []
    if (name === undefined || labels === undefined || !Number.isFinite(Number(value))) return []
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', escaped = '']) => [label, escaped.replace(/\\(.)/g, (_whole, char: string) => (char === 'n' ? '\n' : char))])
    return [{ name, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) }]
  })
}
