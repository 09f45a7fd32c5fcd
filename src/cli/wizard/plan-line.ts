import type { Repository } from '../../store/repository.ts'
import { planRestore } from '../../workflows/restore.ts'
import { startRun } from '../../workflows/run.ts'
import type { Restoring } from '../../workflows/steps/share-mounts.ts'
import type { CommandContext } from '../command.ts'
import { lockRepository } from '../repository-lock.ts'
import { readRestoreOptions } from '../restore-options.ts'
import { readVersion } from '../version.ts'
import type { RestoreLine } from './restore-line.ts'

/** What that command line would do. The repository is locked for no longer than that: people may take their time. */
export async function planLine(context: CommandContext, repository: Repository, line: RestoreLine): Promise<readonly Restoring[]> {
  const { journalFolder, commandLine, reporter, signal } = context
  const engine = await context.connect(line.to, line.to === undefined ? undefined : '--to')
  const run = await startRun({ journalFolder, command: commandLine, reporter, signal })
  try {
    await using lock = await lockRepository(context, repository, 'shared')
    return await planRestore({ run, engine, repository, lock, wanted: { backup: line.backup, containers: line.container, all: false }, options: readRestoreOptions(line), version: readVersion() })
  } finally {
    await run.journal.close()
  }
}
