import type { Engine } from '../engine/engine.ts'
import { compressedRate, isFasterThan } from '../engine/measure-link.ts'
import { formatBytes } from '../ui/format.ts'
import type { CommandContext } from './command.ts'

/** About what ssh compresses in a second on one core: a faster link would only wait for it. */
const compressionBytes = 25 * 1024 * 1024

/** `auto` compresses ssh connections that become faster by it, `always` all of them, `none` no one. */
export const compressWays = ['auto', 'always', 'none'] as const
export type Compress = (typeof compressWays)[number]

/** Connects to both engines, at once where nobody may be asked for a password, and chooses for each whether it is compressed. Says what was chosen, and why. */
export async function connectForTransfer(context: CommandContext, source: string, target: string, compress: Compress): Promise<{ readonly source: Engine; readonly target: Engine }> {
  const ends = [{ address: source, role: 'SOURCE', direction: 'from' }, { address: target, role: 'TARGET', direction: 'to' }] as const
  if (process.stdin.isTTY) for (const { address, role } of ends) await context.connect(address, role, compress === 'always')
  const [first, second] = await Promise.allSettled(ends.map(end => connectOne(context, end, compress)))
  for (const each of [first, second]) if (each?.status === 'rejected') throw each.reason
  const [from, to] = [first, second].map(each => (each as PromiseFulfilledResult<Chosen>).value)
  if (from === undefined || to === undefined) throw new RangeError('there are two ends')
  for (const { note } of [from, to]) if (note !== undefined) context.reporter.note(note)
  return { source: from.engine, target: to.engine }
}

type End = { readonly address: string; readonly role: string; readonly direction: 'from' | 'to' }
type Chosen = { readonly engine: Engine; readonly note?: string }

async function connectOne(context: CommandContext, { address, role, direction }: End, compress: Compress): Promise<Chosen> {
  const engine = await context.connect(address, role, compress === 'always')
  const { shell } = engine
  const isSsh = shell?.kind === 'ssh'
  if (compress === 'always') return { engine, note: `"${address}": ${isSsh ? 'compressed, as asked for' : 'not compressed: only ssh connections can be'}` }
  if (!isSsh || compress === 'none') return { engine }
  const { isFaster, isSurelySlow, bytesPerSecond } = await isFasterThan(compressionBytes, shell, direction, context.signal)
  const rate = `${formatBytes(bytesPerSecond)}/s ${direction} it`
  if (isFaster) return { engine, note: `"${address}": at least ${rate}: not compressed` }
  const compressed = await context.connect(address, role, true)
  if (isSurelySlow || compressed.shell === undefined) return { engine: compressed, note: `"${address}": ${rate}: compressed` }
  const other = await compressedRate(compressed.shell, direction, context.signal)
  if (other > bytesPerSecond) return { engine: compressed, note: `"${address}": ${rate}, ${formatBytes(other)}/s compressed: compressed` }
  return { engine, note: `"${address}": ${rate}, ${formatBytes(other)}/s compressed: not compressed` }
}
