import { pruneText } from '../../ui/describe-retention.ts'
import { formatCount } from '../../ui/format.ts'
import { defaultGraceMs, findFreeable, freeSpace } from '../../workflows/free-space.ts'
import { textOf } from '../backup-options.ts'
import { isLocal, type Repository } from '../../store/repository.ts'
import type { Command } from '../command.ts'
import { parseDuration } from '../duration.ts'
import { registryFreesSpace } from '../local-repository.ts'
import { lockRepository, whileLocked } from '../repository-lock.ts'
import { warnOfPruned } from '../retention-warnings.ts'
import { readWait, withWaitOption } from '../wait-option.ts'

export const pruneCommand: Command = {
  usage: 'prune',
  summary: 'Free the space of what no backup needs any more',
  examples: [
    ['dray prune', 'after dray forget'],
    ['dray prune --dry-run', 'show what would be freed'],
    ['dray prune --grace 0', 'also what runs that failed in the last two days have stored'],
    ['dray prune --wait 2h', 'wait longer for backups that run'],
  ],
  isSilentWhenWell: true,
  options: yargs => withWaitOption(yargs).option('grace', { type: 'string', describe: 'leave what is younger, for the run after one that failed (default: 48h)' }),
  run: async (args, context) => {
    const graceMs = readGrace(args)
    const { dryRun } = context.globals
    await using repository = await context.openRepository({ create: false })
    if (!isLocal(repository)) {
      const abandoned = await removeAbandoned(repository, Date.now() - graceMs, dryRun)
      const text = abandoned.length === 0 ? [] : [`${dryRun ? 'would remove' : 'removed'} ${formatCount(abandoned.length, 'manifest', 'manifests')} of backups that were given up`]
      return { text: [...text, registryFreesSpace].join('\n'), json: { repository: repository.path, removedBlobs: 0, removedBytes: 0, removedManifests: abandoned.length, freedBy: 'registry' } }
    }
    const job = { repository, reporter: context.reporter, signal: context.signal, graceMs }
    const report = dryRun
      ? await whileLocked(await lockRepository(context, repository, 'shared', readWait(args)), () => findFreeable(job))
      : await whileLocked(await lockRepository(context, repository, 'exclusive', readWait(args)), lock => freeSpace(job, lock))
    return { text: pruneText(report, graceMs, !dryRun).join('\n'), json: { repository: repository.path, graceMs, ...report }, exitCode: warnOfPruned(report, context) }
  },
}

/** The registry's client is loaded by those who need it, and in a function without `await using`, beside which the compiler leaves the extension as it is. */
async function removeAbandoned(repository: Repository, beforeMs: number, dryRun: boolean): Promise<string[]> {
  const { RemoteRepository } = await import('../../store/remote-repository.ts')
  return repository instanceof RemoteRepository ? await repository.removeAbandoned(beforeMs, { dryRun }) : []
}

export function readGrace(args: Record<string, unknown>): number {
  const grace = textOf(args['grace'])
  return grace === undefined ? defaultGraceMs : parseDuration(grace, 'grace')
}
