import type { Command } from './command.ts'
import { cleanCommand } from './commands/clean.ts'
import { doctorCommand } from './commands/doctor.ts'
import { listCommand } from './commands/list.ts'

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [listCommand, doctorCommand, cleanCommand]
