import { access, readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { writeFileAtomically } from '../files/atomic-file.ts'
import { makeFolder } from '../files/make-folder.ts'
import { repositoryPaths } from '../store/repository.ts'

const mostRemembered = 10

/** Repositories that were used, the newest first, as far as they are there now; what is in registries is not asked for. */
export async function readRecent(file: string): Promise<string[]> {
  const there = await Promise.all((await linesOf(file)).map(async path => ((await isThere(path)) ? [path] : [])))
  return there.flat()
}

/** Costs nothing when it is the newest one already. What cannot be written is not remembered. */
export async function noteRecent(file: string, path: string): Promise<void> {
  const name = path.startsWith('oci://') ? path : resolve(path)
  const lines = await linesOf(file)
  if (lines[0] === name) return
  try {
    await makeFolder(dirname(file))
    await writeFileAtomically(file, `${[name, ...lines.filter(line => line !== name)].slice(0, mostRemembered).join('\n')}\n`)
  } catch {
    // it only saves typing
  }
}

export async function isThere(path: string): Promise<boolean> {
  return path.startsWith('oci://') || (await access(repositoryPaths(path).config).then(() => true, () => false))
}

async function linesOf(file: string): Promise<string[]> {
  return (await readFile(file, 'utf8').catch(() => '')).split('\n').filter(line => line !== '')
}
