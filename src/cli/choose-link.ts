import type { Engine } from '../engine/engine.ts'
import { measureLink } from '../engine/measure-link.ts'
import { formatBytes } from '../ui/format.ts'
import type { CommandContext } from './command.ts'

/** About what ssh compresses in a second on one core: a faster link would only wait for it. */
const compressionBytes = 25 * 1024 * 1024

/** Connects, and compresses where the user wants it or the link is slower than the compression. Says what was chosen, and why. */
export async function connectForTransfer(context: CommandContext, address: string, direction: 'from' | 'to', force: boolean): Promise<Engine> {
  const { reporter, signal } = context
  const role = direction === 'from' ? 'SOURCE' : 'TARGET'
  const engine = await context.connect(address, role, force)
  const { shell } = engine
  if (shell?.kind !== 'ssh') {
    if (force && shell === undefined) reporter.note(`"${address}": not compressed: only ssh connections can be`)
    return engine
  }
  if (force) {
    reporter.note(`"${address}": compressed, as asked for`)
    return engine
  }
  const rate = await measureLink(shell, direction, signal)
  const words = `${formatBytes(rate)}/s ${direction === 'from' ? 'from it' : 'to it'}`
  if (rate >= compressionBytes) {
    reporter.note(`"${address}": ${words}: not compressed, which would be slower`)
    return engine
  }
  reporter.note(`"${address}": ${words}: compressed`)
  return await context.connect(address, role, true)
}
