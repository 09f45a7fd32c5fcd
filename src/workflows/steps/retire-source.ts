import { nameOf } from '../../engine/spec/spec-record.ts'
import type { JournalAction, JournalEntry } from '../../pipeline/journal.ts'
import type { MigrateJob, Move } from '../migration.ts'
import { isTemporary, putAllRight } from '../put-right.ts'
import { removeRecord, writeRecord, type MigrationRecord } from '../run-records.ts'
import { restoreData } from './restore-data.ts'
import type { DataCopy } from './send-data.ts'
import type { SentImages } from './send-images.ts'

export type KeepJob = MigrateJob & { readonly moves: readonly Move[]; readonly ids: ReadonlyMap<string, string>; readonly images: SentImages; readonly copies: readonly DataCopy[] }

/**
 * The commit: the record of the way back is written, and then one line in the journal makes the copies the user's, and the
 * sources things to retire, or to remove.
 */
export async function keepCopies(job: KeepJob): Promise<void> {
  const { run, source, target } = job
  const open = run.journal.open().filter(entry => !isTemporary(entry, run.id))
  const made = open.filter(({ engineId }) => engineId === target.facts.id)
  try {
    await writeRecord(run.journalFolder, toRecord(job, made))
    await run.journal.exchange(open, source, job.options.removeSource ? await toRemove(job) : job.moves.map(({ spec: { inspect } }) => ({ did: 'retired container', container: inspect.Id, name: nameOf(inspect) })))
  } catch (thrown) {
    await removeRecord(run.journalFolder, run.id)
    throw thrown
  }
}

function toRecord({ run, source, target, options, moves, ids, images, copies }: KeepJob, made: readonly JournalEntry[]): MigrationRecord {
  return {
    format: 1,
    kind: 'migration',
    run: run.id,
    command: run.command,
    at: new Date().toISOString(),
    source: { address: source.address, id: source.facts.id },
    target: { address: target.address, id: target.facts.id },
    containers: moves.map(({ spec: { inspect }, plan }) => ({ name: nameOf(inspect), id: inspect.Id, status: inspect.State.Status, restartPolicy: inspect.HostConfig.RestartPolicy, copy: { name: plan.name, id: ids.get(inspect.Id) ?? '' } })),
    mounts: copies.map(({ action: { stored, place }, container }) => ({ label: stored.described.label, source: stored.planned.target, place, copyOf: container })),
    made,
    images: [...new Set(images.wanted.values())],
    sourceRemoved: options.removeSource,
  }
}

/** Named volumes go with the containers, unless another container has them; paths of the host stay. */
async function toRemove({ run, source, moves, copies }: KeepJob): Promise<JournalAction[]> {
  const moved = new Set(moves.map(({ spec: { inspect } }) => inspect.Id))
  const volumes: JournalAction[] = []
  for (const { action: { stored: { planned } } } of copies) {
    if (planned.target.kind !== 'volume' || planned.anonymous) continue
    const { name } = planned.target
    const users = await source.containers.list({ volume: [name] }, { signal: run.signal })
    if (users.every(({ Id }) => moved.has(Id))) volumes.push({ did: 'superseded volume', volume: name })
    else run.reporter.note(`volume "${name}" stays on the source: another container has it`)
  }
  // What is put right newest first: the dependents of a container before it, and volumes last.
  return [...volumes, ...moves.map(({ spec: { inspect } }): JournalAction => ({ did: 'superseded container', container: inspect.Id, name: nameOf(inspect) }))]
}

/** Kept, stopped, not to start by itself; or removed with its volumes. */
export async function retireSources({ run, source }: MigrateJob): Promise<void> {
  await putAllRight(source, run, run.journal.open().filter(({ engineId }) => engineId === source.facts.id).filter(({ did }) => ['retired container', 'superseded container', 'superseded volume'].includes(did)), restoreData(run))
}
