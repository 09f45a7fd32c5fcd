import type { LockKind, LockOptions, OwnerLock } from '../files/owner-lock.ts'
import { lockEvenWhenFull } from '../store/lock-on-full-disk.ts'
import type { Repository } from '../store/repository.ts'
import { formatDuration } from '../ui/format.ts'
import type { CommandContext } from './command.ts'

/** A prune or a backup beside takes minutes, seldom more: whoever runs at night waits rather than fails. */
export const defaultWaitMs = 10 * 60_000

/** Releases the lock in the end. */
export async function whileLocked<Lock extends OwnerLock, T>(lock: Lock, work: (lock: Lock) => Promise<T>): Promise<T> {
  try {
    return await work(lock)
  } finally {
    await lock.release()
  }
}

/** `exclusive` is for those who free space: they get it on a full disk too. Says whom it waits for. `locked` when the wait is over. */
export async function lockRepository<Kind extends LockKind>(context: CommandContext, repository: Repository, kind: Kind, waitMs: number = defaultWaitMs): Promise<OwnerLock<Kind>> {
  const { commandLine, signal, reporter } = context
  const options: LockOptions = { command: commandLine, signal, waitMs, onWait: holder => reporter.note(`waiting up to ${formatDuration(waitMs)} for ${holder}`) }
  return (kind === 'exclusive' ? await lockEvenWhenFull(repository, options) : await repository.lock(kind, options)) as OwnerLock<Kind>
}
