import { unpublished } from '../../engine/spec/remap-port.ts'
import type { Obstacle, Taken } from '../../workflows/obstacles.ts'
import { askName } from './ask-place.ts'
import { back, choose, tell, type, type Back, type Choice } from './questions.ts'

/** What is done about an obstacle, as an option of `restore`; or it was seen to elsewhere, and is looked at again. */
export type Remedy =
  | { readonly name: string }
  | { readonly replace: true }
  | { readonly keep: string }
  | { readonly makePath: string }
  | { readonly map: 'port' | 'volume' | 'bind' | 'network'; readonly from: string; readonly to: string }
  | { readonly skipDamaged: true }
  | { readonly again: true }

/** `mayReplace`: nothing is replaced that could not be backed up first. */
type RemedyFacts = { readonly mayReplace: boolean }

/** What to do about one thing that stands in the way. Escape in a question that follows from an answer leads to the first again. */
export async function askRemedy(signal: AbortSignal, { text, hint, taken }: Obstacle, facts: RemedyFacts): Promise<Remedy | Back> {
  for (;;) {
    const chosen = await choose<() => Promise<Remedy | Back>>(signal, `In the way: ${text}. What now?`, [...(taken === undefined ? [] : waysOut(signal, taken, facts)), again(hint)])
    if (chosen === back) return back
    const remedy = await chosen()
    if (remedy !== back) return remedy
  }
}

/** What to do about a failure of looking whether all is well. */
export async function askAboutFailure(signal: AbortSignal, message: string, hints: readonly string[], isDamage: boolean): Promise<Remedy | Back> {
  const damaged = isDamage ? [{ name: 'restore what is left of it, and list what is missing', value: { skipDamaged: true } as Remedy }] : []
  return await choose<Remedy>(signal, `${message}. What now?`, [...damaged, { name: 'try again', value: { again: true }, ...(hints.length === 0 ? {} : { description: hints.join('; ') }) }])
}

/** The backup is damaged: what is left of it, where something is, or another one, as Escape does. */
export async function askAboutDamage(signal: AbortSignal, { message, hints }: { readonly message: string; readonly hints: readonly string[] }, { question, isSomethingLeft }: { readonly question: string; readonly isSomethingLeft: boolean }): Promise<Remedy | Back> {
  tell(['', message])
  const rest: Choice<Remedy | Back>[] = isSomethingLeft ? [{ name: 'restore what is left of it', value: { skipDamaged: true }, description: 'all of it is read, and what is lost is listed, before anything is done' }] : []
  return await choose<Remedy | Back>(signal, question, [...rest, { name: 'choose another backup', value: back, ...(isSomethingLeft ? {} : { description: hints.join('; ') }) }])
}

type Way = { readonly name: string; readonly value: () => Promise<Remedy | Back>; readonly description?: string }

function again(hint: string): Way {
  return { name: 'I have seen to it: look again', value: () => Promise.resolve({ again: true }), description: hint }
}

function waysOut(signal: AbortSignal, taken: Taken, { mayReplace }: RemedyFacts): Way[] {
  const ready = (remedy: Remedy) => (): Promise<Remedy> => Promise.resolve(remedy)
  const replace: Way[] = mayReplace ? [{ name: 'replace what is there', value: ready({ replace: true }), description: 'the container, its volumes and paths; all of it is first backed up into the repository' }] : []
  const keep = (source: string): Way => ({ name: 'keep what is there', value: ready({ keep: source }), description: 'what the backup holds of it is not restored' })
  switch (taken.kind) {
    case 'name':
      return [...(taken.isOnly ? [{ name: 'put it beside, under another name', value: async () => toName(await askName(signal, `${taken.name}-restored`)) }] : []), ...replace]
    case 'port':
      return [
        { name: `publish the next free one: ${taken.free}`, value: ready({ map: 'port', from: taken.port, to: taken.free }) },
        { name: 'publish another one', value: async () => toMap('port', taken.port, await type(signal, 'Which port?', { fallback: taken.free, problemWith: text => (/^\d{1,5}$/.test(text) && Number(text) > 0 && Number(text) < 65_536 ? undefined : 'a number from 1 to 65535') })) },
        { name: 'publish none', value: ready({ map: 'port', from: taken.port, to: unpublished }), description: 'other containers of its networks reach it all the same' },
      ]
    case 'volume':
      return [
        { name: 'restore into another volume', value: async () => toMap('volume', taken.source, await type(signal, 'Name of the volume?', { fallback: `${taken.name}-restored`, problemWith: text => (/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(text) ? undefined : 'letters, digits, "_", "." and "-", two at least') })) },
        ...(taken.mayKeep ? [...replace, keep(taken.source)] : []),
      ]
    case 'path':
      return [
        ...(taken.mayMake === true ? [{ name: `make an empty folder ${taken.path}`, value: ready({ makePath: taken.path }) }] : []),
        { name: 'use another path', value: async () => toMap('bind', taken.source, await type(signal, 'Which path on the host of the engine?', { fallback: `${taken.path}-restored`, problemWith: text => (text.startsWith('/') && text.length > 1 && !text.includes(':') ? undefined : 'a path from the root, without ":"') })) },
        ...(taken.mayKeep ? [...replace, keep(taken.source)] : []),
      ]
    case 'network':
      return [
        ...(taken.other === undefined ? [] : [{ name: `use network "${taken.other}"`, value: ready({ map: 'network', from: taken.name, to: taken.other }) }]),
        { name: 'use another network', value: async () => toMap('network', taken.name, await type(signal, 'Name of the network?', { problemWith: text => (text === '' || text.includes(':') ? 'a name' : undefined) })) },
      ]
  }
}

function toName(typed: string | Back): Remedy | Back {
  return typed === back ? back : { name: typed }
}

function toMap(map: 'port' | 'volume' | 'bind' | 'network', from: string, typed: string | Back): Remedy | Back {
  return typed === back ? back : { map, from, to: typed }
}
