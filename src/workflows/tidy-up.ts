import type { Engine } from '../engine/engine.ts'
import { isTemporary, noDataRestorer, putAllRight } from './put-right.ts'
import type { Run } from './run.ts'

/** Afterwards nothing is left on the engine of what readers and writers made for the moment. */
export async function tidyUp<T>(run: Run, engine: Engine, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } finally {
    await putAllRight(engine, run, run.journal.open().filter(entry => isTemporary(entry, run.id)), noDataRestorer)
  }
}
