import type { Engine } from '../engine/engine.ts'
import { messageOf } from '../errors/dray-error.ts'
import { readRecords, writeRecord, type DrillRecord, type ReplacementRecord } from './run-records.ts'
import type { Run } from './run.ts'
import { removeDrill, requireSame } from './undo.ts'

export type KeptRecord = DrillRecord | ReplacementRecord

/** Runs that left something there on purpose: containers that were replaced, and copies of drills. Oldest first. */
export async function listKept(journalFolder: string): Promise<KeptRecord[]> {
  const records = await readRecords(journalFolder)
  return records.filter((record): record is KeptRecord => record.kind === 'drill' || ((record.kind === 'restore' || record.kind === 'upgrade') && record.kept.length > 0)).filter(({ undone, cleaned }) => undone === undefined && cleaned === undefined)
}

export function keptNames(record: KeptRecord): string[] {
  return record.kind === 'drill' ? [record.name] : record.kept.map(({ name }) => name)
}

export type CleanedKept = { readonly removed: readonly string[]; readonly left: readonly { readonly name: string; readonly problem: string }[] }

/** Removes it, each with its anonymous volumes that nobody else has. What is in backups stays there. */
export async function cleanKept(run: Run, records: readonly KeptRecord[], connect: (address: string) => Promise<Engine>): Promise<CleanedKept> {
  const removed: string[] = []
  const left: { name: string; problem: string }[] = []
  for (const record of records) {
    try {
      const engine = await connect(record.engine.address)
      requireSame(engine, record)
      if (record.kind === 'drill') await removeDrill({ run, engine, record })
      else {
        for (const { id } of record.kept) await engine.containers.remove(id, { volumes: true })
        await writeRecord(run.journalFolder, { ...record, cleaned: new Date().toISOString() })
      }
      removed.push(...keptNames(record))
    } catch (thrown) {
      run.signal.throwIfAborted()
      left.push(...keptNames(record).map(name => ({ name, problem: messageOf(thrown) })))
    }
  }
  return { removed, left }
}
