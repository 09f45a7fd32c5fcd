/** What each backup run did, kept in the repository: `drayage/runs/RUN.json`. A run that was killed has no end in it. */
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'
import { writeFileAtomically } from '../files/atomic-file.ts'
import { makeFolder } from '../files/make-folder.ts'
import type { LocalRepository } from './repository.ts'

export type RunBackup = {
  readonly id: string
  readonly created: string
  readonly host: string
  /** Names of containers, or of images that were backed up alone. */
  readonly of: readonly string[]
  readonly entries: number
  readonly dataBytes: number
  /** New in the repository. */
  readonly storedBytes: number
  readonly restMs: number
  /** Should have been captured and was not, or not as it should be. */
  readonly incomplete: boolean
}

export type RunFailure = { readonly what: string; readonly host?: string; readonly code: string; readonly message: string }

export type RunSummary = {
  readonly format: 1
  /** A run id: sorts by time. */
  readonly run: string
  /** Of the configuration. */
  readonly job?: string
  readonly command: string
  readonly startedAt: string
  /** Absent while it runs, and for ever when it was killed. */
  readonly endedAt?: string
  readonly exitCode?: number
  readonly backups: readonly RunBackup[]
  readonly failed: readonly RunFailure[]
  readonly forgotten: readonly string[]
  readonly freedBytes: number
  readonly warnings: readonly string[]
}

/** About three years of nights. */
const mostRuns = 1000

/** On the disk when this resolves. When a run has ended, summaries beyond the newest thousand go. */
export async function writeRunSummary(repository: LocalRepository, summary: RunSummary): Promise<void> {
  const { runs, temporary } = repository.paths
  await makeFolder(runs)
  await makeFolder(temporary)
  await writeFileAtomically(join(runs, `${summary.run}.json`), `${JSON.stringify(summary)}\n`, { temporaryFolder: temporary })
  if (summary.endedAt === undefined) return
  for (const old of (await runsIn(runs)).slice(0, -mostRuns)) await rm(join(runs, `${old}.json`), { force: true })
}

/** Oldest first. Files that are none of ours are passed over. */
export async function readRunSummaries({ paths: { runs } }: LocalRepository): Promise<RunSummary[]> {
  const found: RunSummary[] = []
  for (const run of await runsIn(runs)) {
    const text = await readFile(join(runs, `${run}.json`), 'utf8').catch((thrown: unknown) => {
      if (errnoOf(thrown) === 'ENOENT') return ''
      throw fromSystemError(thrown, 'cannot read', join(runs, `${run}.json`))
    })
    const summary = parseSummary(text)
    if (summary?.run === run) found.push(summary)
  }
  return found
}

async function runsIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).flatMap(name => (/^\d{8}-\d{6}-[0-9a-f]+\.json$/.test(name) ? [name.slice(0, -'.json'.length)] : [])).sort()
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return []
    throw fromSystemError(thrown, 'cannot read', folder)
  }
}

function parseSummary(text: string): RunSummary | undefined {
  try {
    const value = JSON.parse(text) as Partial<RunSummary> | null
    return value?.format === 1 && Array.isArray(value.backups) && Array.isArray(value.failed) && Array.isArray(value.warnings) ? (value as RunSummary) : undefined
  } catch {
    return undefined
  }
}
