import type { Run } from '../workflows/run.ts'
import { startRun } from '../workflows/run.ts'
import { describeEntry } from '../workflows/put-right.ts'
import { cleanBeforehand, listDeadRuns } from '../workflows/clean.ts'
import type { JournalEntry } from '../pipeline/journal.ts'
import { exitCodes } from '../errors/exit-codes.ts'
import { errorJson } from '../ui/error-text.ts'
import { restoreData } from '../workflows/steps/restore-data.ts'
import type { Failed } from '../workflows/steps/choose-containers.ts'
import type { CommandContext, CommandResult } from './command.ts'

/**
 * Does something that changes engines, with a journal, after what dead runs left is put right (only told, if nothing is to be
 * changed). What is open at the end is said, and makes the result incomplete.
 */
export async function withRun(context: CommandContext, work: (run: Run) => Promise<CommandResult>, { changesNothing = context.globals.dryRun } = {}): Promise<CommandResult> {
  const { journalFolder, commandLine, reporter, signal } = context
  if (changesNothing) for (const { what } of await listDeadRuns(journalFolder)) reporter.warn(`left by an earlier run: ${what} (put it right with: dray clean)`)
  else await cleanBeforehand({ folder: journalFolder, connect: address => context.connect(address, 'the notes of an earlier run'), restoreData: restoreData({ id: 'clean' }, { isLater: true }), signal, command: commandLine }, reporter)
  const run = await startRun({ journalFolder, command: commandLine, reporter, signal })
  let left: readonly JournalEntry[] = []
  const result = await work(run).finally(async () => {
    left = await run.journal.close()
    for (const entry of left) reporter.warn(`left behind: ${describeEntry(entry)}; put it right with: dray clean`)
  })
  return left.length === 0 ? result : { ...result, exitCode: Math.max(result.exitCode ?? 0, exitCodes.incomplete) }
}

/** For the result event. */
export function failedJson(failed: readonly Failed[]): object {
  return failed.map(({ container, error }) => ({ container, error: errorJson(error) }))
}

/** The report of a finished part, for people. With --json all of it is in the result event. */
export function sayReport({ globals, reporter }: CommandContext, lines: readonly string[]): void {
  if (!globals.json) for (const line of lines) reporter.note(line)
}
