/** Looks whether all is well on the target, asks about one thing after the other until it is, and whether to go ahead. */
import { DrayError } from '../../errors/dray-error.ts'
import { isLocal, type Repository } from '../../store/repository.ts'
import { askGo } from '../../ui/wizard/ask-go.ts'
import { askAboutFailure, askRemedy } from '../../ui/wizard/ask-remedy.ts'
import { back, tellWhenLate } from '../../ui/wizard/questions.ts'
import { ObstructedError } from '../../workflows/obstacles.ts'
import type { Examined } from '../../workflows/steps/read-stored.ts'
import type { CommandContext } from '../command.ts'
import { planLine } from './plan-line.ts'
import { commandOf, withRemedy, type RestoreLine } from './restore-line.ts'
import type { Step } from './walk.ts'
import { known, type State } from './wizard-state.ts'

export function settling(context: CommandContext, repository: Repository): Step<State>[] {
  const { signal, globals } = context
  const examined: Examined = new Map()
  return [
    async state => {
      if (state.part !== undefined) return { state, asked: false }
      const { line } = state
      const planning = planLine(context, repository, line, examined)
      try {
        return { state: { ...state, plans: await (line.skipDamaged ? planning : tellWhenLate(`waiting for ${line.to ?? globals.host ?? 'the engine'} …`, planning)) }, asked: false }
      } catch (thrown) {
        signal.throwIfAborted()
        const remedy = await remedyFor(signal, thrown, { mayReplace: isLocal(repository), line })
        return remedy === back ? back : { state: { ...state, line: withRemedy(line, remedy) }, asked: !('again' in remedy), again: true }
      }
    },
    async state => {
      if (state.part !== undefined || globals.dryRun) return { state, asked: false }
      const { line, subject } = known(state)
      const { address } = await context.connect(line.to, '--to')
      const goes = await askGo(signal, state.plans, { target: address, command: commandOf(line, globals), replaysDump: line.replayDump, isData: line.only === 'data', planFile: `${subject.name}-plan.yaml` })
      if (goes === back) return back
      return { state: goes === 'go' ? state : goes === 'no' ? { ...state, isDeclined: true } : { ...state, planOut: goes.planOut }, asked: true }
    },
  ]
}

async function remedyFor(signal: AbortSignal, thrown: unknown, { mayReplace, line }: { readonly mayReplace: boolean; readonly line: RestoreLine }): ReturnType<typeof askRemedy> {
  if (!(thrown instanceof DrayError)) throw thrown
  const [first] = thrown instanceof ObstructedError ? thrown.obstacles : []
  if (first !== undefined) return await askRemedy(signal, first, { mayReplace: mayReplace && !line.replace })
  return await askAboutFailure(signal, thrown.message, thrown.hints, thrown.code === 'damaged' && !line.skipDamaged)
}
