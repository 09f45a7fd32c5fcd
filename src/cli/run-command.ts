import type { Run } from '../workflows/run.ts'
import { startRun } from '../workflows/run.ts'
import { describeEntry } from '../workflows/put-right.ts'
import { cleanBeforehand } from '../workflows/clean.ts'
import { restoreData } from '../workflows/steps/restore-data.ts'
import type { CommandContext } from './command.ts'

/** Does something that changes engines, with a journal, after what dead runs left is put right. What is open at the end is said. */
export async function withRun<T>(context: CommandContext, work: (run: Run) => Promise<T>): Promise<T> {
  const { journalFolder, commandLine, reporter, signal } = context
  await cleanBeforehand({ folder: journalFolder, connect: address => context.connect(address), restoreData: restoreData({ id: 'clean' }), signal, command: commandLine }, reporter)
  const run = await startRun({ journalFolder, command: commandLine, reporter, signal })
  try {
    return await work(run)
  } finally {
    for (const entry of await run.journal.close()) reporter.warn(`left behind: ${describeEntry(entry)}; put it right with: dray clean`)
  }
}

/** The report of a finished part, for people. With --json all of it is in the result event. */
export function sayReport({ globals, reporter }: CommandContext, lines: readonly string[]): void {
  if (!globals.json) for (const line of lines) reporter.note(line)
}
