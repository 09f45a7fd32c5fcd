import { formatBytes, formatCount } from '../format.ts'
import { back, search, type Back, type Choice } from './questions.ts'

/** One name in a folder. `path` is what is typed below the mount. */
export type Browsed = { readonly path: string; readonly name: string; readonly isFolder: boolean; readonly bytes: number }

type Answer = { readonly done: true } | { readonly mark: string } | { readonly open: string }

const mostShown = 500

/**
 * A tree to walk through, folder by folder: Enter opens a folder and marks a file, or the folder that one is in; typing finds names. Escape
 * goes up, and from the top back. Resolves with the paths that are marked, none of which lies below another. `marked` keeps them for the next time.
 */
export async function askFiles(signal: AbortSignal, mount: string, listing: (path: string) => Promise<readonly Browsed[]>, marked: Set<string>): Promise<readonly string[] | Back> {
  let folder = ''
  for (;;) {
    const entries = await listing(folder)
    const covering = [...marked].find(path => path === folder || isBelow(folder, path))
    const answer = await search<Answer>(signal, `${mount}${folder === '' ? '' : `/${folder}`}`, typed => choicesOf(entries, { typed, folder, marked, isAll: covering !== undefined }))
    if (answer === back) {
      if (folder === '') return back
      folder = folder.includes('/') ? folder.slice(0, folder.lastIndexOf('/')) : ''
    } else if ('done' in answer) {
      return [...marked].filter(path => ![...marked].some(other => isBelow(path, other)))
    } else if ('open' in answer) {
      folder = answer.open
    } else if (marked.has(answer.mark)) {
      marked.delete(answer.mark)
    } else {
      marked.add(answer.mark)
    }
  }
}

/** Of everything "" is the path. */
function isBelow(path: string, folder: string): boolean {
  return path !== folder && (folder === '' || path.startsWith(`${folder}/`))
}

function choicesOf(entries: readonly Browsed[], { typed, folder, marked, isAll }: { readonly typed: string; readonly folder: string; readonly marked: ReadonlySet<string>; readonly isAll: boolean }): Choice<Answer>[] {
  const found = entries.filter(({ name }) => name.toLowerCase().includes(typed.toLowerCase()))
  const tick = (path: string): string => (marked.has(path) || isAll ? '[x]' : '[ ]')
  const shown = found.slice(0, mostShown).map(({ path, name, isFolder, bytes }): Choice<Answer> => (isFolder
    ? { name: `${isAll || [...marked].some(other => other === path) ? '[x]' : [...marked].some(other => isBelow(other, path)) ? '[-]' : '   '} ${name}/`, value: { open: path }, description: 'Enter opens the folder' }
    : { name: `${tick(path)} ${name}  ${formatBytes(bytes)}`, value: { mark: path }, description: 'Enter marks the file, and once more takes the mark away' }))
  const more: Choice<Answer>[] = found.length > mostShown ? [{ name: `… and ${formatCount(found.length - mostShown, 'more', 'more')}: type a part of the name`, value: { open: folder } }] : []
  if (typed !== '') return [...shown, ...more]
  return [
    ...(marked.size === 0 ? [] : [{ name: `done: take ${formatCount(marked.size, 'marked one')}`, value: { done: true } as Answer }]),
    { name: `${tick(folder)} everything in ${folder === '' ? 'it' : `${folder}/`}`, value: { mark: folder } },
    ...shown, ...more,
  ]
}
