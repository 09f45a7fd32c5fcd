/** What a container's own labels say of its backup: `dray.…`. They hold for every backup of it, whoever makes it. */
import { DrayError } from '../errors/dray-error.ts'
import type { Consistency } from './steps/freeze.ts'

export type ContainerLabels = {
  /** Undefined: what the command says. */
  readonly consistency: Consistency | undefined
  /** Mounts that are left out, as --exclude names them. */
  readonly exclude: readonly string[]
  /** Commands, run in the container: see hookCommand. */
  readonly pre: string | undefined
  readonly post: string | undefined
  /** What it writes to its standard output becomes part of the backup. */
  readonly dump: string | undefined
  /** What reads such a dump from its standard input. */
  readonly restore: string | undefined
  /** Seconds, for `stop`. Undefined: its own. */
  readonly stopTimeout: number | undefined
  readonly hookTimeoutMs: number
}

export const backupLabel = 'dray.backup'
export const groupLabel = 'dray.group'

const known = [backupLabel, groupLabel, 'dray.consistency', 'dray.exclude', 'dray.pre', 'dray.post', 'dray.dump', 'dray.restore', 'dray.stop-timeout', 'dray.hook-timeout']
const ways: readonly Consistency[] = ['pause', 'stop', 'none']
const usualHookMs = 10 * 60_000

/** Throws `usage` for a label of ours that cannot be understood: what was meant would not be done, night after night. */
export function readContainerLabels(labels: Readonly<Record<string, string>> | null | undefined, container: string): ContainerLabels {
  const text = (name: string): string | undefined => labels?.[name]?.trim() || undefined
  const wrong = (name: string, why: string): DrayError => new DrayError('usage', `label ${name}=${labels?.[name] ?? ''} of container "${container}" ${why}`, { hints: ['docs/nightly.md lists the labels; a label changes when the container is made again'] })
  const unknown = Object.keys(labels ?? {}).find(name => name.startsWith('dray.') && !known.includes(name))
  if (unknown !== undefined) throw wrong(unknown, `is not one that dray knows: ${known.join(', ')}`)
  const seconds = (name: string): number | undefined => {
    const value = text(name)
    if (value !== undefined && !/^\d{1,6}$/.test(value)) throw wrong(name, 'is not a number of seconds')
    return value === undefined ? undefined : Number(value)
  }
  const consistency = text('dray.consistency')
  if (consistency !== undefined && !ways.includes(consistency as Consistency)) throw wrong('dray.consistency', 'is none of pause, stop and none')
  const backup = text(backupLabel)
  if (backup !== undefined && backup !== 'true' && backup !== 'false') throw wrong(backupLabel, 'is neither true nor false')
  if (text('dray.restore') !== undefined && text('dray.dump') === undefined) throw wrong('dray.restore', 'needs a label dray.dump, whose output it is to read')
  const hookTimeout = seconds('dray.hook-timeout')
  return {
    consistency: consistency as Consistency | undefined,
    exclude: (text('dray.exclude') ?? '').split(',').map(each => each.trim()).filter(each => each !== ''),
    pre: text('dray.pre'),
    post: text('dray.post'),
    dump: text('dray.dump'),
    restore: text('dray.restore'),
    stopTimeout: seconds('dray.stop-timeout'),
    hookTimeoutMs: hookTimeout === undefined ? usualHookMs : hookTimeout * 1000,
  }
}
