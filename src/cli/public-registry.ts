import { looksPublic } from '../registry/reference.ts'
import { requireYes } from './ask.ts'
import type { CommandContext } from './command.ts'

/** A backup holds passwords and data: it goes to a registry that others may reach only when its owner says so. */
export async function confirmRegistry(context: CommandContext, registry: string, what: string): Promise<void> {
  if (!looksPublic(registry)) return
  context.reporter.warn(`"${registry}" looks like a public registry: whoever may pull from it can read all of ${what}, passwords in the environment and data of volumes included`)
  await requireYes(context, `send ${what} to "${registry}"?`)
}
