import { back, type Back } from '../../ui/wizard/questions.ts'

/** What a step made of the state: `asked` when a person answered something, which can be taken back; `again` when the step has more to ask. */
export type Step<State> = (state: State) => Promise<{ readonly state: State; readonly asked: boolean; readonly again?: boolean } | Back>

/**
 * One step after the other. `back` leads to the last question that was answered, with everything as it was then, also within a
 * step that asks several. Resolves with `back` when there is none before the one that was left.
 */
export async function walk<State>(steps: readonly Step<State>[], start: State): Promise<State | Back> {
  const answered: { readonly at: number; readonly state: State }[] = []
  let at = 0
  let state = start
  for (let step = steps[at]; step !== undefined; step = steps[at]) {
    const done = await step(state)
    if (done === back) {
      const before = answered.pop()
      if (before === undefined) return back
      at = before.at
      state = before.state
      continue
    }
    if (done.asked) answered.push({ at, state })
    state = done.state
    if (done.again !== true) at++
  }
  return state
}
