import type { ContainerInspect } from '../engine/api-types.ts'
import type { Engine } from '../engine/engine.ts'
import { nameOf } from '../engine/spec/spec-record.ts'
import { unlessMissing } from '../engine/unless-missing.ts'
import type { JournalEntry } from '../pipeline/journal.ts'
import { isTemporary } from './put-right.ts'

/** A container that was made longer ago than this, and runs, is not one that a killed run was about to start: somebody works with it. */
const longestStartMs = 10 * 60 * 1000

/**
 * The name of a container that a killed run made and that has run: at all, or (`forLong`) until so long after it was made that it
 * may hold what nobody else does. An engine that cannot be asked is found out by whoever puts right.
 */
export async function findInUse(open: readonly JournalEntry[], run: string, engineOf: (entry: JournalEntry) => Promise<Engine>, { forLong }: { readonly forLong: boolean }): Promise<string | undefined> {
  for (const entry of open) {
    if (entry.did !== 'created container' || isTemporary(entry, run)) continue
    const inspected = await engineOf(entry).then(engine => unlessMissing(engine.containers.inspect(entry.container))).catch(() => undefined)
    if (inspected === undefined || isOfDrill(inspected) || !(Date.parse(inspected.State.StartedAt) > 0)) continue
    if (!forLong || lastAliveAt(inspected) - Date.parse(entry.at) > longestStartMs) return nameOf(inspected)
  }
  return undefined
}

/** What a drill starts nobody works with, however long it has run. */
function isOfDrill(container: ContainerInspect): boolean {
  return nameOf(container).startsWith('drayage-')
}

function lastAliveAt({ State }: ContainerInspect): number {
  return State.Running ? Date.now() : Date.parse(State.FinishedAt)
}
