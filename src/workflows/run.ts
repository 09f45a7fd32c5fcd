import { randomBytes } from 'node:crypto'
import type { Engine } from '../engine/engine.ts'
import { Journal } from '../pipeline/journal.ts'
import type { Reporter } from './reporter.ts'

/** One command that changes engines: its id ties together what it made, its journal knows what to put right. */
export type Run = { readonly id: string; readonly command: string; readonly journalFolder: string; readonly journal: Journal; readonly reporter: Reporter; readonly signal: AbortSignal }

export type RunOptions = { readonly journalFolder: string; readonly command: string; readonly reporter: Reporter; readonly signal: AbortSignal }

/** Sorts by time. */
export function newRunId(): string {
  return `${new Date().toISOString().replaceAll(/[-:]|\..*/g, '').replace('T', '-')}-${randomBytes(4).toString('hex')}`
}

/** A workflow that calls another one gives it a run of its own. */
export async function startRun({ journalFolder, command, reporter, signal }: RunOptions): Promise<Run> {
  const id = newRunId()
  return { id, command, journalFolder, journal: await Journal.start(journalFolder, id, command), reporter, signal }
}

/** Records what readers and writers make on an engine and remove by themselves; at the end of the run all of it is looked after once more. */
export type TemporaryJournal = (object: { readonly kind: 'container' | 'image' | 'volume'; readonly name: string }) => Promise<void>

export function temporaryJournal({ journal }: Run, engine: Engine): TemporaryJournal {
  return async ({ kind, name }) => {
    await journal.record(engine, kind === 'container' ? { did: 'created container', container: name } : kind === 'image' ? { did: 'created image', ref: name } : { did: 'created volume', volume: name })
  }
}
