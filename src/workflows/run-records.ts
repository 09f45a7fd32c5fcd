/** What is kept of a finished run, so that it can be taken back: a file in the state folder, beside the journals. */
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

/** Copies that a drill left there, to look around. */
export type DrillRecord = RecordHead & { readonly kind: 'drill'; readonly backup: string; readonly name: string; readonly others?: readonly string[]; readonly made: readonly JournalEntry[] }

/** What took the place of containers, or of data: by a restore or an upgrade. */
export type ReplacementRecord = RecordHead & {
  readonly kind: 'restore' | 'upgrade'
  /** What the run made, the containers among it. */
  readonly made: readonly JournalEntry[]
  readonly containers: readonly { readonly name: string; readonly id: string }[]
  /** Those that are kept, stopped, under other names: what they were. */
  readonly kept: readonly KeptContainer[]
  /** Data that was there before: each with the backup that holds it. */
  readonly replaced: readonly ReplacedData[]
  readonly repository: string
  readonly backups: readonly string[]
}

export type KeptContainer = { readonly name: string; readonly id: string; readonly was: string; readonly status: ContainerInspect['State']['Status']; readonly restartPolicy: MovedContainer['restartPolicy'] }

export type ReplacedData = { readonly backup: string } & ({ readonly volume: string } | { readonly path: string })

type RecordHead = { readonly format: 1; readonly run: string; readonly command: string; readonly at: string; readonly engine: RecordedEngine; readonly undone?: string; readonly undoneBy?: string; readonly cleaned?: string }

export type RunRecord = MigrationRecord | DrillRecord | ReplacementRecord

/** Whether it is of a restore or an upgrade. */
export function isReplacement(record: RunRecord): record is ReplacementRecord {
  return record.kind === 'restore' || record.kind === 'upgrade'
}

/** Whether what it keeps is still there for who wants it back. */
export function isOpen({ undone, cleaned }: Pick<ReplacementRecord, 'undone' | 'cleaned'>): boolean {
  return undone === undefined && cleaned === undefined
}

const kinds: readonly string[] = ['migration', 'drill', 'restore', 'upgrade'] satisfies readonly RunRecord['kind'][]

/** The folder of records that belongs to a folder of journals. */
function recordsFolder(journalFolder: string): string {
  return join(dirname(journalFolder), 'runs')
}

function pathOf(journalFolder: string, run: string): string {
  return join(recordsFolder(journalFolder), `${run}.json`)
}

/** On the disk when this returns. */
export async function writeRecord(journalFolder: string, record: RunRecord): Promise<void> {
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

/** What a restore, an upgrade or their undoing wrote, which was killed and put right before it was live. */
export async function removeOutcome(journalFolder: string, run: string): Promise<void> {
  for (const record of await readRecords(journalFolder)) {
    if (!isReplacement(record)) continue
    if (record.run === run) await removeRecord(journalFolder, run)
    const { undone, undoneBy, ...before } = record
    if (undoneBy === run && undone !== undefined) await writeRecord(journalFolder, before)
  }
}

/** Of a migration that was killed and put right before its copy was kept: there is nothing to take back. */
export async function removeMigration(journalFolder: string, run: string): Promise<void> {
  const record = (await listRecords(journalFolder)).includes(run) ? await readFrom(journalFolder, run) : undefined
  if (record?.kind === 'migration') await removeRecord(journalFolder, run)
}

/** Of a migration, by its run's id or the beginning of it. `not-found` names the runs that there are. */
export async function readRecord(journalFolder: string, wanted: string): Promise<MigrationRecord> {
  const record = await findRecord(journalFolder, wanted, 'a migration')
  if (record.kind === 'migration') return record
  throw new DrayError('usage', `run "${record.run}" was no migration: ${record.command}`, { hints: [`take it back with: dray undo ${record.run}`] })
}

/** Of whatever run, by its id or the beginning of it. */
export async function findRecord(journalFolder: string, wanted: string, what = 'a run'): Promise<RunRecord> {
  const runs = await listRecords(journalFolder)
  const fitting = runs.filter(run => run === wanted || (wanted !== '' && run.startsWith(wanted)))
  const [run] = fitting
  if (run === undefined) throw new DrayError('not-found', `there is no record of ${what} "${wanted}" on this machine`, { hints: [runs.length === 0 ? `a record lies where ${what} was started, in the state folder of the user who did it` : `there are: ${runs.slice(-10).join(', ')}`] })
  if (fitting.length > 1 && run !== wanted) throw new DrayError('usage', `"${wanted}" is the beginning of several runs: ${fitting.join(', ')}`)
  const record = await readFrom(journalFolder, run)
  if (record === undefined) throw new DrayError('unverifiable', `the record "${pathOf(journalFolder, run)}" is not one that this dray knows`)
  return record
}

/** All that this dray knows, oldest first. */
export async function readRecords(journalFolder: string): Promise<RunRecord[]> {
  const found = await Promise.all((await listRecords(journalFolder)).map(run => readFrom(journalFolder, run)))
  return found.filter(record => record !== undefined)
}

async function readFrom(journalFolder: string, run: string): Promise<RunRecord | undefined> {
  const path = pathOf(journalFolder, run)
  try {
    const record = JSON.parse(await readFile(path, 'utf8')) as Partial<RunRecord>
    return record.format === 1 && kinds.includes(record.kind ?? '') ? (record as RunRecord) : undefined
  } catch (thrown) {
    if (errnoOf(thrown) !== undefined) throw fromSystemError(thrown, 'read the record', path)
    return undefined
  }
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
