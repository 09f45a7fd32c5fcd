import { realpath } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Engine } from '../../engine/engine.ts'

/** Of the kernel and of running programs. */
export const kernelFolders: readonly string[] = ['/proc', '/sys', '/dev', '/run', '/var/run']

/** Real paths of what this program itself needs on the engine's host: the repository, the journals. None when the engine is elsewhere; a repository in a registry is nowhere here. */
export async function ownPlaces(engine: Engine, paths: readonly string[]): Promise<readonly string[]> {
  return engine.shell?.kind === 'local' ? await Promise.all(paths.filter(path => !path.startsWith('oci://')).map(realPathOf)) : []
}

/** True when one of them lies in `path`, or `path` in one of them; links are followed. */
export async function holdsOwn(path: string, own: readonly string[]): Promise<boolean> {
  if (own.length === 0) return false
  const real = await realPathOf(path)
  return own.some(each => isWithin(each, real) || isWithin(real, each))
}

export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`)
}

/** Of what is not there yet, by the nearest folder that is. */
async function realPathOf(path: string): Promise<string> {
  const whole = resolve(path)
  try {
    return await realpath(whole)
  } catch {
    const parent = dirname(whole)
    return parent === whole ? whole : join(await realPathOf(parent), whole.slice(parent === '/' ? 1 : parent.length + 1))
  }
}
