import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DrayError } from '../errors/dray-error.ts'
import { errnoOf } from '../errors/system-error.ts'
import type { LockOptions, OwnerLock } from '../files/owner-lock.ts'
import type { Repository } from './repository.ts'

/**
 * The exclusive lock for those who free space, also where there is none left for the lock's own file: then the cache of
 * chunks goes, which the next backup builds again.
 */
export async function lockEvenWhenFull(repository: Repository, options: LockOptions): Promise<OwnerLock<'exclusive'>> {
  try {
    return await repository.lock('exclusive', options)
  } catch (thrown) {
    const isFull = thrown instanceof DrayError && ['ENOSPC', 'EDQUOT'].includes(errnoOf(thrown.cause) ?? '')
    if (!isFull) throw thrown
    await rm(join(repository.cacheFolder, 'chunks'), { force: true })
    return await repository.lock('exclusive', options)
  }
}
