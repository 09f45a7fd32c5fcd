import { DrayError } from '../errors/dray-error.ts'
import { askYes } from '../ui/ask.ts'
import type { CommandContext } from './command.ts'

/** Goes on after a yes. Without a terminal `--yes` has to say so: `usage`. A no is `interrupted`, with nothing done. */
export async function requireYes({ globals, signal }: Pick<CommandContext, 'globals' | 'signal'>, question: string): Promise<void> {
  if (globals.yes) return
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw new DrayError('usage', `nothing was changed: there is no terminal to ask: ${question}`, { hints: ['say so with --yes'] })
  if (!(await askYes(question, signal))) throw new DrayError('interrupted', 'nothing was changed')
}
