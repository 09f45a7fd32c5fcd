import { formatBytes } from '../format.ts'
import { back, choose, tell, tick, type Back } from './questions.ts'

/** A volume or path of a backup, by the name that commands know it by. */
export type Part = { readonly name: string; readonly label: string; readonly isVolume: boolean; readonly bytes: number }

/** `keep`: what is left as it is on the target. `data`: of these parts alone, without a container. `files`: single ones of a part. */
export type Extent = { readonly keep: readonly string[] } | { readonly data: readonly Part[] } | { readonly files: Part }

/** What is to be brought back. `parts` are what there is to choose among. */
export async function askExtent(signal: AbortSignal, parts: readonly Part[]): Promise<Extent | Back> {
  for (;;) {
    const extent = await choose(signal, 'What of it?', [
      { name: 'everything: image, settings, networks, data', value: 'all' },
      { name: 'everything but the data of some volumes or paths', value: 'some', description: 'those are left as they are there now' },
      { name: 'only the data of volumes or paths', value: 'data', description: 'no container is made or touched' },
      { name: 'single files or folders', value: 'files', description: 'looked for in a tree' },
    ] as const)
    if (extent === back) return back
    if (extent === 'all') return { keep: [] }
    const choices = parts.map(part => ({ name: `${part.label}  ${formatBytes(part.bytes)}`, value: part }))
    const [first, second] = choices
    if (first === undefined) {
      tell(['this backup holds no data'])
      continue
    }
    if (extent === 'files') {
      const chosen = second === undefined ? first.value : await choose(signal, 'Files of which?', choices)
      if (chosen !== back) return { files: chosen }
      continue
    }
    if (extent === 'data' && second === undefined) return { data: [first.value] }
    const chosen = await tick(signal, extent === 'data' ? 'Which of them? (space to choose)' : 'Which are left as they are? (space to choose)', choices)
    if (chosen !== back) return extent === 'data' ? { data: chosen } : { keep: chosen.map(({ name }) => name) }
  }
}
