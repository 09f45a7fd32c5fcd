import type { Engine } from '../engine/engine.ts'
import { nameOf } from '../engine/spec/spec-record.ts'
import { unlessMissing } from '../engine/unless-missing.ts'
import { DrayError, messageOf } from '../errors/dray-error.ts'
import { isOpen, isReplacement, readRecords, writeRecord, type DrillRecord, type ReplacementRecord } from './run-records.ts'
import type { Run } from './run.ts'
import { removeDrill, requireSame } from './undo.ts'

export type KeptRecord = DrillRecord | ReplacementRecord

/** Runs that left something there on purpose: containers that were replaced, and copies of drills. Oldest first. */
export async function listKept(journalFolder: string): Promise<KeptRecord[]> {
  const records = await readRecords(journalFolder)
  return records.filter((record): record is KeptRecord => record.kind === 'drill' || (isReplacement(record) && record.kept.length > 0)).filter(isOpen)
}

export function keptNames(record: KeptRecord): string[] {
  return record.kind === 'drill' ? [record.name, ...(record.others ?? [])] : record.kept.map(({ name }) => name)
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
        await requireKept(engine, record)
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

/** A container that has another name by now is somebody's again. One that is gone is fine. */
async function requireKept(engine: Engine, { kept }: ReplacementRecord): Promise<void> {
  for (const { id, name } of kept) {
    const there = await unlessMissing(engine.containers.inspect(id))
    if (there !== undefined && nameOf(there) !== name) throw new DrayError('conflict', `it has the name "${nameOf(there)}" now, and is left as it is`, { hints: [`remove it with docker rm, or give it its name back: docker rename ${nameOf(there)} ${name}`] })
  }
}
