import { back, choose, type, type Back } from './questions.ts'

/** Where files go: into a folder of this machine, or back into the container, over what is there. */
export type FilesTarget = { readonly output: string } | { readonly into: string }

/** `into`: the folder of a running container that they came from, where there is one. */
export async function askFilesTarget(signal: AbortSignal, { folder, into }: { readonly folder: string; readonly into: string | undefined }): Promise<FilesTarget | Back> {
  for (;;) {
    const chosen = await choose(signal, 'Where to?', [
      { name: 'into a folder of this machine', value: 'folder' as const },
      ...(into === undefined ? [] : [{ name: `back into ${into}`, value: 'into' as const, description: 'files of these names that are there are replaced' }]),
    ])
    if (chosen === back) return back
    if (chosen === 'into' && into !== undefined) return { into }
    const typed = await type(signal, 'Which folder? (it is made if it is not there)', { fallback: folder, problemWith: text => (text === '' || text === '-' ? 'name one' : undefined) })
    if (typed !== back) return { output: typed }
  }
}
