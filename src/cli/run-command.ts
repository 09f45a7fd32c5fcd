import type { Run } from '../workflows/run.ts'
import { startRun } from '../workflows/run.ts'
import { describeEntry } from '../workflows/put-right.ts'
import { cleanBeforehand, listDeadRuns } from '../workflows/clean.ts'
import type { JournalEntry } from '../pipeline/journal.ts'
import { DrayError } from '../errors/dray-error.ts'
import { exitCodes } from '../errors/exit-codes.ts'
import { errorJson } from '../ui/error-text.ts'
import { restoreData } from '../workflows/steps/restore-data.ts'
import { hookReason } from '../workflows/steps/container-command.ts'
import type { Failed } from '../workflows/steps/choose-containers.ts'
import { nameOfSummary } from '../workflows/steps/running-containers.ts'
import type { ContainerSummary } from '../engine/engine.ts'
import type { Groups } from './choose-groups.ts'
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

/**
 * Does something for each group of containers. One for which it fails by itself is named, and the others have their turn; when
 * it fails for all, the first failure is thrown.
 */
export async function forEachGroup(context: CommandContext, { groups, failed: missing }: Groups, isNot: string, work: (containers: readonly ContainerSummary[]) => Promise<void>): Promise<readonly Failed[]> {
  const all = groups.length + missing.length
  const failed: Failed[] = []
  let failures = 0
  const fail = (whats: readonly Failed[]): void => {
    failed.push(...whats)
    failures++
    const [{ error } = {}] = whats
    if (all > 1 && error !== undefined) context.reporter.warn(`${whats.map(({ what }) => what).join(', ')} ${whats.length === 1 ? 'is' : 'are'} not ${isNot}: ${[error.message, ...error.hints].join('; ')}`)
  }
  for (const each of missing) fail([each])
  for (const group of groups) {
    try {
      await work(group)
    } catch (thrown) {
      if (!isOfOneContainer(thrown)) throw thrown
      fail(group.map(nameOfSummary).map(name => ({ container: name, what: `container "${name}"`, error: thrown })))
    }
  }
  const [first] = failed
  if (first !== undefined && failures === all) throw first.error
  return failed
}

/** For the result event. */
export function failedJson(failed: readonly Failed[]): object {
  return failed.map(({ container, error }) => ({ container, error: errorJson(error) }))
}

/** Whether the others of the command can be worked on all the same. */
function isOfOneContainer(thrown: unknown): thrown is DrayError {
  return thrown instanceof DrayError && (['not-found', 'conflict', 'refused', 'usage'].includes(thrown.code) || thrown.reason === hookReason)
}

/** The report of a finished part, for people. With --json all of it is in the result event. */
export function sayReport({ globals, reporter }: CommandContext, lines: readonly string[]): void {
  if (!globals.json) for (const line of lines) reporter.note(line)
}
