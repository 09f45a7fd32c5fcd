import { createInterface } from 'node:readline/promises'
import { DrayError } from '../errors/dray-error.ts'
import type { CommandContext } from './command.ts'

/** Goes on after a yes. Without a terminal `--yes` has to say so: `usage`. A no is `interrupted`, with nothing done. */
export async function requireYes({ globals, signal }: Pick<CommandContext, 'globals' | 'signal'>, question: string): Promise<void> {
  if (globals.yes) return
  if (!process.stdin.isTTY) throw new DrayError('usage', `nothing was changed: "${question}" has to be answered`, { hints: ['answer it beforehand with --yes'] })
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal })
    if (/^y(es)?$/i.test(answer.trim())) return
  } finally {
    terminal.close()
  }
  throw new DrayError('interrupted', 'nothing was changed, as you said')
}
