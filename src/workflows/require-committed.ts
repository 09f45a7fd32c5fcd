import { DrayError } from '../errors/dray-error.ts'
import { readJournals } from '../pipeline/read-journals.ts'

/**
 * Throws `conflict` for a run that was killed when its record was written and its journal not yet changed: both are a way back,
 * and the second would go over what came after the first.
 */
export async function requireCommitted(journalFolder: string, run: string): Promise<void> {
  const { dead, others } = await readJournals(journalFolder)
  const journal = [...dead, ...others].find(each => each.run === run)
  if (journal?.open.some(({ did }) => did === 'created container') !== true) return
  throw new DrayError('conflict', `run "${run}" has not ended: it was killed, or is still at work`, { hints: ['take a killed one back with: dray clean', `if what it made is wanted: dray clean --forget ${run}`] })
}
