import type { Run } from '../workflows/run.ts'
import { startRun } from '../workflows/run.ts'
import { describeEntry } from '../workflows/put-right.ts'
import type { CommandContext } from './command.ts'

/** Does something that changes engines, with a journal; what is open in it at the end is said. */
export async function withRun<T>(context: CommandContext, work: (run: Run) => Promise<T>): Promise<T> {
  const { journalFolder, commandLine, reporter, signal } = context
  const run = await startRun({ journalFolder, command: commandLine, reporter, signal })
  try {
    return await work(run)
  } finally {
    for (const entry of await run.journal.close()) reporter.warn(`left behind: ${describeEntry(entry)}; put it right with: dray clean`)
  }
}
