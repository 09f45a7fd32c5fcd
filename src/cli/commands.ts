import type { Command } from './command.ts'
import { backupCommand } from './commands/backup.ts'
import { cleanCommand } from './commands/clean.ts'
import { describeCommand } from './commands/describe.ts'
import { doctorCommand } from './commands/doctor.ts'
import { drillCommand } from './commands/drill.ts'
import { forgetCommand } from './commands/forget.ts'
import { listCommand } from './commands/list.ts'
import { migrateCommand } from './commands/migrate.ts'
import { planCommand } from './commands/plan.ts'
import { pruneCommand } from './commands/prune.ts'
import { restoreCommand } from './commands/restore.ts'
import { showCommand } from './commands/show.ts'
import { undoCommand } from './commands/undo.ts'
import { upgradeCommand } from './commands/upgrade.ts'
import { verifyCommand } from './commands/verify.ts'

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [backupCommand, restoreCommand, migrateCommand, listCommand, showCommand, describeCommand, planCommand, verifyCommand, drillCommand, upgradeCommand, undoCommand, forgetCommand, pruneCommand, doctorCommand, cleanCommand]
