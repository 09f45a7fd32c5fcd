import { describePlace, type RestorePlan, type StoredContainer } from '../../workflows/restore-plan.ts'
import { partPlanText } from '../describe-part.ts'
import { restorePlanText } from '../describe-restore.ts'
import { formatBytes, formatDuration } from '../format.ts'
import { back, choose, tell, tellCommand, type, type Back } from './questions.ts'

type Planned = { readonly stored: StoredContainer; readonly plan: RestorePlan }
type GoFacts = { readonly target: string; /** Its words are quoted for a shell. */ readonly command: readonly string[]; readonly replaysDump: boolean; /** Without a container. */ readonly isData: boolean; /** A name for a plan. */ readonly planFile: string }

/** Only said as an order of magnitude. */
const usualBytesPerSecond = 100e6

/** Shows what would be done, how long it takes, and how to say it on one line; goes ahead by default unless something is replaced. */
export async function askGo(signal: AbortSignal, plans: readonly Planned[], { target, command, replaysDump, isData, planFile }: GoFacts): Promise<'go' | 'no' | { readonly planOut: string } | Back> {
  const replaces = whatIsReplaced(plans)
  const bytes = plans.reduce((sum, { plan: { mounts } }) => sum + mounts.reduce((all, { action, stored }) => all + (action === 'keep' ? 0 : stored.described.dataBytes), 0), 0)
  for (;;) {
    tell([
      '',
      ...plans.flatMap(({ stored, plan }) => (isData ? partPlanText({ stored, plan }, target) : restorePlanText(stored, plan, target, replaysDump).split('\n'))),
      `writes ${formatBytes(bytes)} of data${bytes < usualBytesPerSecond ? '' : `: about ${formatDuration((bytes / usualBytesPerSecond) * 1000)}, at 100 MB/s`}`,
      'in a script:',
    ])
    tellCommand(command)
    tell([replaces.length === 0 ? 'nothing that is there is replaced' : 'what is replaced is first backed up into the repository', ''])
    const question = replaces.length === 0 ? 'Restore it?' : `Restore it, and replace ${replaces.join(', ')}?`
    const goes = await choose<'go' | 'no' | 'plan'>(signal, question, [{ name: 'yes', value: 'go' }, { name: 'no, change nothing', value: 'no' }, { name: 'write it into a file, to be edited', value: 'plan', description: 'done later, with: dray restore --plan FILE' }], replaces.length === 0 ? 'go' : 'no')
    if (goes !== 'plan') return goes
    const planOut = await type(signal, 'Which file?', { fallback: planFile, problemWith: text => (text === '' || text === '-' ? 'name one' : undefined) })
    if (planOut !== back) return { planOut }
  }
}

function whatIsReplaced(plans: readonly Planned[]): string[] {
  return plans.flatMap(({ plan }) => [...(plan.replaced === undefined ? [] : [`container "${plan.name}"`]), ...plan.mounts.filter(({ action }) => action === 'replace').map(({ place }) => describePlace(place))])
}
