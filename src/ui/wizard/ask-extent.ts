import { formatBytes } from '../format.ts'
import { back, choose, tick, type Back } from './questions.ts'

/** A volume or path of a backup, by the name that commands know it by. */
export type Part = { readonly name: string; readonly label: string; readonly isVolume: boolean; readonly bytes: number }

/** `keep`: what is left as it is on the target. `data`: of one volume alone. `files`: single ones, of these parts. */
export type Extent = { readonly keep: readonly string[] } | { readonly data: Part } | { readonly files: true }

/** What is to be brought back. `parts` is asked for when somebody wants to choose among them. */
export async function askExtent(signal: AbortSignal, parts: () => Promise<readonly Part[]>): Promise<Extent | Back> {
  for (;;) {
    const extent = await choose(signal, 'What of it?', [
      { name: 'everything: image, settings, networks, data', value: 'all' },
      { name: 'everything but the data of some volumes or paths', value: 'some', description: 'those are left as they are there now' },
      { name: 'only the data of one volume', value: 'data', description: 'shows the command for it' },
      { name: 'single files or folders', value: 'files', description: 'shows the commands for it' },
    ] as const)
    if (extent === back) return back
    if (extent === 'all') return { keep: [] }
    if (extent === 'files') return { files: true }
    const choices = (await parts()).filter(({ isVolume }) => extent === 'some' || isVolume).map(part => ({ name: `${part.label}  ${formatBytes(part.bytes)}`, value: part }))
    if (choices.length === 0) continue
    const chosen = extent === 'data' ? await choose(signal, 'Which volume?', choices) : await tick(signal, 'Which are left as they are? (space to choose)', choices)
    if (chosen !== back) return 'name' in chosen ? { data: chosen } : { keep: chosen.map(({ name }) => name) }
  }
}
