import type { Restoring } from '../../workflows/steps/share-mounts.ts'
import { describePlace } from '../../workflows/restore-plan.ts'
import { restorePlanText } from '../describe-restore.ts'
import { confirm, tell, type Back } from './questions.ts'

/** Shows what would be done and how to say it on one line; goes ahead by default unless something is replaced. */
export async function askGo(signal: AbortSignal, plans: readonly Restoring[], target: string, commandLine: string): Promise<boolean | Back> {
  tell(['', ...plans.flatMap(({ stored, plan }) => restorePlanText(stored, plan, target, false).split('\n')), 'in a script:', `  ${commandLine}`, ''])
  const replaces = whatIsReplaced(plans)
  return await confirm(signal, replaces.length === 0 ? 'Restore it? Nothing that is there is replaced' : `Restore it, and replace ${replaces.join(', ')}? All of it is backed up first`, replaces.length === 0)
}

function whatIsReplaced(plans: readonly Restoring[]): string[] {
  return plans.flatMap(({ plan }) => [...(plan.replaced === undefined ? [] : [`container "${plan.name}"`]), ...plan.mounts.filter(({ action }) => action === 'replace').map(({ place }) => describePlace(place))])
}
