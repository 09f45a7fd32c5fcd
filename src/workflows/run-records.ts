/** What is kept of a finished migration, so that it can be taken back: a file in the state folder, beside the journals. */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ContainerInspect } from '../engine/api-types.ts'
import { DrayError } from '../errors/dray-error.ts'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'
import { writeFileAtomically } from '../files/atomic-file.ts'
import type { MountTarget } from '../mounts/mount-access.ts'
import type { JournalEntry } from '../pipeline/journal.ts'
import type { MountPlace } from './restore-plan.ts'

export type RecordedEngine = { readonly address: string; readonly id: string }

export type MovedContainer = {
  readonly name: string
  /** Of the container on the source. */
  readonly id: string
  readonly status: ContainerInspect['State']['Status']
  readonly restartPolicy: { readonly Name: string; readonly MaximumRetryCount: number }
  readonly copy: { readonly name: string; readonly id: string }
}

export type MovedMount = { readonly label: string; readonly source: MountTarget; readonly place: MountPlace; readonly copyOf: string }

/** `made` are the journal's entries of what the run made on the target; `undone` is when the migration was taken back. */
export type MigrationRecord = {
  readonly format: 1
  readonly kind: 'migration'
  readonly run: string
  readonly command: string
  readonly at: string
  readonly source: RecordedEngine
  readonly target: RecordedEngine
  readonly containers: readonly MovedContainer[]
  readonly mounts: readonly MovedMount[]
  readonly made: readonly JournalEntry[]
  /** Ids of images on the target that the copies were made from: those without a name go with the copy. */
  readonly images: readonly string[]
  readonly sourceRemoved: boolean
  readonly undone?: string
}

/** The folder of records that belongs to a folder of journals. */
function recordsFolder(journalFolder: string): string {
  return join(dirname(journalFolder), 'runs')
}

function pathOf(journalFolder: string, run: string): string {
  return join(recordsFolder(journalFolder), `${run}.json`)
}

/** On the disk when this returns. */
export async function writeRecord(journalFolder: string, record: MigrationRecord): Promise<void> {
  const path = pathOf(journalFolder, record.run)
  try {
    await mkdir(recordsFolder(journalFolder), { recursive: true, mode: 0o700 })
  } catch (thrown) {
    throw fromSystemError(thrown, 'make the folder of', path)
  }
  await writeFileAtomically(path, `${JSON.stringify(record, undefined, 2)}\n`)
}

export async function removeRecord(journalFolder: string, run: string): Promise<void> {
  await rm(pathOf(journalFolder, run), { force: true })
}

/** By its run's id or the beginning of it. `not-found` names the runs that there are. */
export async function readRecord(journalFolder: string, wanted: string): Promise<MigrationRecord> {
  const runs = await listRecords(journalFolder)
  const fitting = runs.filter(run => run === wanted || (wanted !== '' && run.startsWith(wanted)))
  const [run] = fitting
  if (run === undefined) throw new DrayError('not-found', `there is no record of a migration "${wanted}" on this machine`, { hints: [runs.length === 0 ? 'a record lies where the migration was started, in the state folder of the user who did it' : `there are: ${runs.slice(-10).join(', ')}`] })
  if (fitting.length > 1) throw new DrayError('usage', `"${wanted}" is the beginning of several runs: ${fitting.join(', ')}`)
  const path = pathOf(journalFolder, run)
  try {
    const record = JSON.parse(await readFile(path, 'utf8')) as Partial<MigrationRecord>
    if (record.format === 1 && record.kind === 'migration') return record as MigrationRecord
  } catch (thrown) {
    if (errnoOf(thrown) !== undefined) throw fromSystemError(thrown, 'read the record', path)
  }
  throw new DrayError('unverifiable', `the record "${path}" is not one that this dray knows`)
}

/** Ids of the runs that have a record, oldest first. */
export async function listRecords(journalFolder: string): Promise<string[]> {
  try {
    return (await readdir(recordsFolder(journalFolder))).flatMap(name => (name.endsWith('.json') ? [name.slice(0, -'.json'.length)] : [])).sort()
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return []
    throw fromSystemError(thrown, 'read', recordsFolder(journalFolder))
  }
}
