import type { Repository } from '../../store/repository.ts'
import { planPart } from '../../workflows/restore-only.ts'
import { planRestore } from '../../workflows/restore.ts'
import { startRun } from '../../workflows/run.ts'
import type { Examined } from '../../workflows/steps/read-stored.ts'
import type { CommandContext } from '../command.ts'
import { lockRepository } from '../repository-lock.ts'
import { readRestoreOptions } from '../restore-options.ts'
import { readVersion } from '../version.ts'
import type { RestoreLine } from './restore-line.ts'
import type { Planned } from './wizard-state.ts'

/** What that command line would do. `examined` is what was found of damaged backups. The repository is locked for no longer than that: people may take their time. */
export async function planLine(context: CommandContext, repository: Repository, line: RestoreLine, examined: Examined): Promise<readonly Planned[]> {
  const { journalFolder, commandLine, reporter, signal } = context
  const engine = await context.connect(line.to, line.to === undefined ? undefined : '--to')
  const run = await startRun({ journalFolder, command: commandLine, reporter, signal })
  try {
    await using lock = await lockRepository(context, repository, 'shared')
    const job = { run, engine, repository, lock, wanted: { backup: line.backup, containers: line.container, all: false }, options: readRestoreOptions(line), version: readVersion(), examined }
    if (line.only === undefined || line.only === 'spec') return await planRestore(job)
    return (await planPart(job)).flatMap(({ stored, plan }) => (plan === undefined ? [] : [{ stored, plan }]))
  } finally {
    await run.journal.close()
    context.rest()
  }
}
