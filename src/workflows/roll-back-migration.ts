import { setTimeout as delay } from 'node:timers/promises'
import type { Engine } from '../engine/engine.ts'
import type { JournalEntry } from '../pipeline/journal.ts'
import type { MigrateJob } from './migration.ts'
import { isTemporary, putAllRight } from './put-right.ts'
import { restoreData } from './steps/restore-data.ts'

/** A target that does not answer may not keep the source waiting. */
const haltTimeoutMs = 5_000

type Both = Pick<MigrateJob, 'run' | 'source' | 'target'>

/** The source works again as before. Copies that run are ended first, where the target can be reached: two would write, and answer, at once. */
export async function putBackSource({ run, source, target }: Both): Promise<'nothing to undo' | undefined> {
  const open = entriesOf(run.journal.open(), source)
  const rested = open.filter(({ did }) => did === 'stopped' || did === 'paused')
  if (rested.length > 0) await endCopies(run, target)
  await putAllRight(source, run, open, restoreData(run))
  return rested.length > 0 ? undefined : 'nothing to undo'
}

export async function removeCopies({ run, target }: Both): Promise<'nothing to undo' | undefined> {
  const open = entriesOf(run.journal.open(), target)
  await putAllRight(target, run, open, restoreData(run))
  return open.some(entry => !isTemporary(entry, run.id)) ? undefined : 'nothing to undo'
}

/** Helpers, names of commits, volumes in which data waited: on both sides, each tried although the other fails. */
export async function closeUp({ run, source, target }: Both): Promise<void> {
  const temporary = run.journal.open().filter(entry => isTemporary(entry, run.id))
  const ended = await Promise.allSettled([source, target].map(engine => putAllRight(engine, run, entriesOf(temporary, engine), restoreData(run))))
  for (const each of ended) if (each.status === 'rejected') throw each.reason
}

async function endCopies({ journal, id }: MigrateJob['run'], target: Engine): Promise<void> {
  const copies = entriesOf(journal.open(), target).flatMap(entry => (entry.did === 'created container' && !isTemporary(entry, id) ? [entry.container] : []))
  if (copies.length === 0) return
  const ended = Promise.all(copies.map(copy => target.containers.kill(copy, 'SIGKILL').catch(() => undefined)))
  // A call that changes something is heard to its end, whatever a signal says.
  const waited = new AbortController()
  await Promise.race([ended, delay(haltTimeoutMs, undefined, { signal: waited.signal }).catch(() => undefined)])
  waited.abort()
}

function entriesOf(entries: readonly JournalEntry[], engine: Engine): JournalEntry[] {
  return entries.filter(({ engineId }) => engineId === engine.facts.id)
}
