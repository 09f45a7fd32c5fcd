import { randomBytes } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf } from '../errors/system-error.ts'
import { isProvedDead, parseOwnerToken, thisProcess, toOwnerToken } from './owner.ts'

const pattern = /^\.drayage-(.+)-[0-9a-f]{12}\.tmp$/

/** A new name for something that nobody may find after this process: it says who made it. */
export function temporaryName(): string {
  return `.drayage-${toOwnerToken(thisProcess())}-${randomBytes(6).toString('hex')}.tmp`
}

/**
 * Removes the temporary files and folders in `folder` whose owner is proved dead, and returns their names. What cannot be
 * removed (a read-only file system, another user's) stays and is not an error: it is in nobody's way.
 */
export async function removeDeadTemporaries(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((thrown: unknown) => {
    if (errnoOf(thrown) !== undefined) return []
    throw thrown
  })
  const removed: string[] = []
  for (const name of names) {
    const owner = parseOwnerToken(pattern.exec(name)?.[1] ?? '')
    if (owner === undefined || !isProvedDead(owner)) continue
    await rm(join(folder, name), { recursive: true, force: true }).then(() => removed.push(name), () => undefined)
  }
  return removed
}
