import { setTimeout as delay } from 'node:timers/promises'
import type { ContainerInspect } from '../../engine/api-types.ts'
import { isFromHere, isThisProcess } from '../../files/owner.ts'
import type { StoredJournal } from '../../pipeline/journal.ts'
import { readJournals } from '../../pipeline/read-journals.ts'
import type { Run } from '../run.ts'

const pollMs = 200

/**
 * Waits while another living run on this machine has brought the container to rest: that is not its own state, and it will be
 * woken any moment. Returns whether there was one. Runs on other machines are not known.
 */
export async function awaitOtherRests({ journalFolder, reporter, signal }: Run, container: string): Promise<boolean> {
  for (let isFirst = true; ; isFirst = false) {
    const other = (await readJournals(journalFolder)).others.find(journal => isOther(journal) && rests(journal, container))
    if (other === undefined) return !isFirst
    if (isFirst) reporter.note(`waiting for "${other.command}" (process ${other.owner.pid}), which has brought the container to rest`)
    await delay(pollMs, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}

/** Looks until what is seen is the container's own state, and not a rest that another run gives it for a moment. */
export async function seeOwnState<Seen extends { readonly inspect: ContainerInspect }>(run: Run, look: () => Promise<Seen>): Promise<Seen> {
  for (let isSecond = false; ; isSecond = true) {
    const seen = await look()
    const { State, Id } = seen.inspect
    if (State.Running && !State.Paused) return seen
    // The other one's entry is written before the rest and settled after it: with none now, a second look shows the truth.
    const waited = await awaitOtherRests(run, Id)
    if (isSecond && !waited) return seen
  }
}

function isOther({ owner }: StoredJournal): boolean {
  return isFromHere(owner) && !isThisProcess(owner)
}

function rests({ open }: StoredJournal, container: string): boolean {
  return open.some(entry => (entry.did === 'paused' || entry.did === 'stopped') && entry.container === container)
}
