import { DrayError } from '../errors/dray-error.ts'
import type { RestoreOptions } from '../workflows/restore-plan.ts'
import type { WantedBackup } from '../workflows/steps/choose-backup.ts'
import { listOf, textOf } from './backup-options.ts'
import type { GlobalOptions } from './command.ts'
import { readRestoreOptions } from './restore-options.ts'

/** What is to be restored, how, and where: as a command line or a plan says it. */
export type RestoreWish = {
  readonly wanted: WantedBackup | readonly WantedBackup[]
  readonly options: RestoreOptions
  /** `from`: who named the engine. Both are undefined for the one of --host. */
  readonly to: { readonly host?: string; readonly from?: string }
  /** Undefined for the one of --repo. */
  readonly repository?: string
}

/** Throws `usage` for what contradicts itself. */
export async function readRestoreWish(args: Record<string, unknown>, { host }: Pick<GlobalOptions, 'host'>): Promise<RestoreWish> {
  const plan = textOf(args['plan'])
  const to = textOf(args['to'])
  const given = to === undefined ? {} : { host: to, from: '--to' }
  if (plan !== undefined) {
    checkAlone(args)
    const { readPlan } = await import('./plan-file/read-plan.ts')
    const { wanted, options, repository, target } = await readPlan(plan)
    return { wanted, options, to: to !== undefined || host !== undefined || target === undefined ? given : { host: target, from: `"${plan}"` }, ...(repository === undefined || textOf(args['repo']) !== undefined ? {} : { repository }) }
  }
  const containers = listOf(args['container'])
  const options = readRestoreOptions(args)
  if (options.name !== undefined && containers.length > 1) throw new DrayError('usage', '--name is for one container', { hints: ['restore each by a command of its own', 'or name each in a plan: --plan-out FILE'] })
  return { wanted: { backup: textOf(args['backup']) ?? 'latest', containers, all: args['all'] === true }, options, to: given }
}

/** What a plan says is not said beside it: which of both would hold? */
function checkAlone(args: Record<string, unknown>): void {
  const texts = ['backup', 'name', 'only', 'healthTimeout', 'planOut'].filter(name => args[name] !== undefined)
  const lists = ['container', 'keep', 'makePath', 'mapPort', 'mapVolume', 'mapBind', 'mapNetwork'].filter(name => listOf(args[name]).length > 0)
  const flags = ['all', 'replace', 'skipDamaged', 'replayDump', 'noStart'].filter(name => args[name] === true)
  const beside = [...texts, ...lists, ...flags, ...(args['reader'] === undefined || args['reader'] === 'auto' ? [] : ['reader'])]
  if (beside.length === 0) return
  const words = beside.map(name => (name === 'backup' || name === 'container' ? `the ${name} "${[args[name]].flat().join(' ')}"` : `--${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`))
  throw new DrayError('usage', `${words.join(', ')} cannot be given beside --plan, which says all of that`, { hints: ['change it in the plan', 'beside it there may be --to, --host, --repo and --dry-run'] })
}
