import { back, choose, type, type Back } from './questions.ts'

/** Where the backups are: one of those that were used before, or another one. */
export async function askRepository(signal: AbortSignal, known: readonly string[], isThere: (path: string) => Promise<boolean>): Promise<string | Back> {
  for (;;) {
    const chosen = known.length === 0 ? 'other' as const : await choose<{ readonly path: string } | 'other'>(signal, 'Where are the backups?', [...known.map(path => ({ name: path, value: { path } })), { name: 'somewhere else', value: 'other', description: 'a folder, or oci://HOST/NAME' }])
    if (chosen === back) return back
    if (chosen !== 'other') return chosen.path
    const typed = await type(signal, 'Where are the backups? (a folder, or oci://HOST/NAME)', { problemWith: async text => (text === '' ? 'name one' : (await isThere(text)) ? undefined : 'there is no repository') })
    if (typed !== back) return typed
    if (known.length === 0) return back
  }
}
