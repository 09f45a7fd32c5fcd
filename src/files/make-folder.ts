import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DrayError } from '../errors/dray-error.ts'
import { errnoOf } from '../errors/system-error.ts'

/**
 * Makes a folder (0700) and those above it that are missing. Returns the topmost one that it made. node's own recursive mkdir
 * never ends where nobody can make anything and the kernel calls that ENOENT, as below /proc: that is `unauthorized` here.
 */
export async function makeFolder(path: string): Promise<string | undefined> {
  const outcome = await makeOne(path)
  if (outcome !== 'has no parent') return outcome === 'made' ? path : undefined
  const first = await makeFolder(dirname(path))
  const again = await makeOne(path)
  if (again === 'has no parent') throw new DrayError('unauthorized', `no folder can be made in "${dirname(path)}": its file system takes none`, { hints: ['name another folder'] })
  return first ?? (again === 'made' ? path : undefined)
}

async function makeOne(path: string): Promise<'made' | 'was there' | 'has no parent'> {
  try {
    await mkdir(path, { mode: 0o700 })
    return 'made'
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return 'has no parent'
    if (await stat(path).then(found => found.isDirectory(), () => false)) return 'was there'
    throw thrown
  }
}
