import { back, choose, type, type Back } from './questions.ts'

/** Where to. Undefined is as recorded: this engine, this name. */
export type Place = { readonly to?: string; readonly name?: string }

/** `isOne`: another name is for one container. */
export async function askPlace(signal: AbortSignal, facts: { readonly engine: string; readonly name: string; readonly isOne: boolean }): Promise<Place | Back> {
  for (;;) {
    const place = await choose(signal, 'Where to?', [
      { name: `${facts.engine}, as it was named`, value: 'here' },
      ...(facts.isOne ? [{ name: `${facts.engine}, under another name`, value: 'named' } as const] : []),
      { name: 'another engine', value: 'elsewhere', description: 'ssh://USER@HOST, tcp://HOST:PORT, unix:///PATH or a docker context' },
    ] as const)
    if (place === back) return back
    if (place === 'here') return {}
    const typed = place === 'named' ? await askName(signal, `${facts.name}-restored`) : await type(signal, 'Which engine? (ssh://USER@HOST, tcp://HOST:PORT, unix:///PATH or a docker context)', { problemWith: text => (text === '' ? 'name one' : undefined) })
    if (typed !== back) return place === 'named' ? { name: typed } : { to: typed }
  }
}

export async function askName(signal: AbortSignal, fallback: string): Promise<string | Back> {
  return await type(signal, 'Name of the container?', { fallback, problemWith: text => (/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(text) ? undefined : 'letters, digits, "_", "." and "-", two at least') })
}
