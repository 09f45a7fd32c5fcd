import { DrayError } from '../errors/dray-error.ts'
import { exitCodes } from '../errors/exit-codes.ts'
import { listBackups } from '../store/backup-list.ts'
import type { KeepPolicy } from '../store/keep-policy.ts'
import { isLocal, type Repository } from '../store/repository.ts'
import { judgedJson, judgedSummary, pruneText } from '../ui/describe-retention.ts'
import { errorJson } from '../ui/error-text.ts'
import { forgetBackups, judgeBackups } from '../workflows/forget.ts'
import { defaultGraceMs, freeSpace } from '../workflows/free-space.ts'
import { groupBackups, subjectKey } from '../workflows/retention-groups.ts'
import type { CommandContext } from './command.ts'
import { registryFreesSpace } from './local-repository.ts'
import { localTimeZone, policyExample, readKeepPolicy } from './keep-options.ts'
import { lockRepository } from './repository-lock.ts'
import { warnOfDamaged, warnOfPruned } from './retention-warnings.ts'
import { sayReport } from './run-command.ts'

/** Undefined unless asked to forget. */
export function readForgetPolicy(args: Record<string, unknown>): KeepPolicy | undefined {
  const policy = readKeepPolicy(args)
  if (args['forget'] === true && policy === undefined) throw new DrayError('usage', '--forget needs to know which backups stay', { hints: [`for example: --forget ${policyExample}`] })
  if (args['forget'] !== true && policy !== undefined) throw new DrayError('usage', '--keep-… is for --forget', { hints: [`for example: --forget ${policyExample}`] })
  return policy
}

export type AfterBackup = {
  readonly policy: KeepPolicy
  /** The new backups that hold all they should. */
  readonly whole: readonly string[]
  /** All that were made. */
  readonly all: readonly string[]
}

/**
 * Forgets and prunes older backups of what was just backed up, whole; what was not keeps its older ones. The new backups are
 * there by now: what fails here is a warning, and makes the result incomplete.
 */
export async function forgetAfterBackup(context: CommandContext, repository: Repository, { policy, whole, all }: AfterBackup): Promise<{ readonly json: object; readonly exitCode: number; readonly forgotten: readonly string[]; readonly freedBytes: number }> {
  const { reporter, signal } = context
  if (whole.length < all.length) reporter.warn('older backups of what was not captured whole are not forgotten')
  if (whole.length === 0) return { json: { policy, forgotten: [] }, exitCode: exitCodes.incomplete, forgotten: [], freedBytes: 0 }
  try {
    await using lock = await lockRepository(context, repository, 'exclusive')
    const made = (await listBackups(repository)).filter(({ id }) => whole.includes(id))
    const subjects = new Set((await groupBackups(repository, made)).flatMap(each => each.subjects.map(subjectKey)))
    const judged = await judgeBackups(repository, { policy, timeZone: localTimeZone(), isAsked: subject => subjects.has(subjectKey(subject)) })
    const damaged = warnOfDamaged(judged, context)
    const forgotten = await forgetBackups(repository, judged.filter(({ because }) => because.length === 0), lock)
    if (!isLocal(repository)) {
      sayReport(context, [...judgedSummary(judged, true), registryFreesSpace])
      return { json: { policy, forgotten, backups: judgedJson(judged) }, exitCode: damaged, forgotten, freedBytes: 0 }
    }
    const pruned = await freeSpace({ repository, reporter, signal, graceMs: defaultGraceMs }, lock)
    sayReport(context, [...judgedSummary(judged, true), ...pruneText(pruned, defaultGraceMs, true)])
    return { json: { policy, forgotten, backups: judgedJson(judged), pruned }, exitCode: Math.max(damaged, warnOfPruned(pruned, context)), forgotten, freedBytes: pruned.removedBytes }
  } catch (thrown) {
    const failure: unknown = signal.aborted ? signal.reason : thrown
    if (!(failure instanceof DrayError)) throw failure
    reporter.warn(`the backup is there, but forgetting older ones was not done to its end: ${[failure.message, ...failure.hints].join('; ')}`)
    return { json: { policy, error: errorJson(failure) }, exitCode: signal.aborted ? failure.exitCode : exitCodes.incomplete, forgotten: [], freedBytes: 0 }
  }
}
