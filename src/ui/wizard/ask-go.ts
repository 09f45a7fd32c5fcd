import type { Restoring } from '../../workflows/steps/share-mounts.ts'
import { describePlace } from '../../workflows/restore-plan.ts'
import { restorePlanText } from '../describe-restore.ts'
import { confirm, tell, type Back } from './questions.ts'

/** Shows what would be done and how to say it on one line; goes ahead by default unless something is replaced. */
export async function askGo(signal: AbortSignal, plans: readonly Restoring[], { target, commandLine, replaysDump }: { readonly target: string; readonly commandLine: string; readonly replaysDump: boolean }): Promise<boolean | Back> {
  const replaces = whatIsReplaced(plans)
  tell(['', ...plans.flatMap(({ stored, plan }) => restorePlanText(stored, plan, target, replaysDump).split('\n')), 'in a script:', `  ${commandLine}`, replaces.length === 0 ? 'nothing that is there is replaced' : 'what is replaced is first backed up into the repository', ''])
  return await confirm(signal, replaces.length === 0 ? 'Restore it?' : `Restore it, and replace ${replaces.join(', ')}?`, replaces.length === 0)
}

function whatIsReplaced(plans: readonly Restoring[]): string[] {
  return plans.flatMap(({ plan }) => [...(plan.replaced === undefined ? [] : [`container "${plan.name}"`]), ...plan.mounts.filter(({ action }) => action === 'replace').map(({ place }) => describePlace(place))])
}
