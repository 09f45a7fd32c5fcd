import type { OwnerLock } from '../files/owner-lock.ts'
import { findGarbage, type GarbageCounts, type GarbageOptions } from '../store/garbage.ts'
import { prune } from '../store/prune.ts'
import type { LocalRepository } from '../store/repository.ts'
import { whileTransferring, type Reporter } from './reporter.ts'

/** A run that failed tonight is run again tomorrow, or the day after: until then what it had stored is there. */
export const defaultGraceMs = 48 * 3_600_000

export type FreeSpaceJob = { readonly repository: LocalRepository; readonly reporter: Reporter; readonly signal: AbortSignal; readonly graceMs: number }

/** Prunes, with its progress. */
export async function freeSpace({ repository, reporter, signal, graceMs }: FreeSpaceJob, lock: OwnerLock<'exclusive'>): Promise<GarbageCounts> {
  return await whileTransferring(reporter, 'free space', async freed => {
    return await whileTransferring(reporter, 'read what backups refer to', async read => {
      return await prune(repository, { graceMs, signal, onRead: bytes => read.add(bytes), onFound: bytes => {
        read.end()
        freed.expect(bytes)
      }, onRemoved: bytes => freed.add(bytes) }, lock)
    })
  })
}

/** What freeSpace would free, with nothing changed. */
export async function findFreeable({ repository, reporter, signal, graceMs }: FreeSpaceJob, without?: GarbageOptions['without']): Promise<GarbageCounts> {
  return await whileTransferring(reporter, 'read what backups refer to', async read => {
    return (await findGarbage(repository, { graceMs, signal, onRead: bytes => read.add(bytes), ...(without === undefined ? {} : { without }) })).counts
  })
}
