import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import type { Engine } from '../../engine/engine.ts'
import { acquireOwnerLock, type OwnerLock } from '../../files/owner-lock.ts'
import type { Run } from '../run.ts'

/** A restore takes as long as it takes; Ctrl-C ends the wait. */
const waitMs = 24 * 60 * 60 * 1000

/**
 * One restore at a time to an engine, of those on this machine: two that want the same name or volume would each find it
 * free, and the one that fails would remove what the other has made.
 */
export async function takeTurn({ run, engine }: { readonly run: Run; readonly engine: Engine }): Promise<OwnerLock> {
  const folder = join(dirname(run.journalFolder), 'restoring', createHash('sha256').update(engine.facts.id).digest('hex').slice(0, 16))
  const onWait = (holder: string): void => run.reporter.note(`waiting for another restore to "${engine.address}" to end: ${holder}`)
  return await acquireOwnerLock(folder, 'exclusive', { command: run.command, waitMs, signal: run.signal, onWait })
}
