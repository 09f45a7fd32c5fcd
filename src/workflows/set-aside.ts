import type { ContainerInspect } from '../engine/api-types.ts'
import type { Engine } from '../engine/engine.ts'
import { nameOf } from '../engine/spec/spec-record.ts'
import { unlessMissing } from '../engine/unless-missing.ts'
import type { JournalEntry } from '../pipeline/journal.ts'
import { isKeptName } from './steps/kept-name.ts'

/**
 * Whether a run stopped this container and gave it another name, and only the engine can have started it since: one that comes
 * back after a crash starts what has the restart policy "always", also what was stopped by hand.
 */
export function isSetAside(container: ContainerInspect, entries: readonly JournalEntry[]): boolean {
  return container.HostConfig.RestartPolicy.Name === 'always' && isKeptName(nameOf(container)) && entries.some(entry => entry.did === 'renamed container' && entry.container === container.Id)
}

/** Stops those again, so that their data can be put back: what they wrote meanwhile, they wrote into what is half replaced. */
export async function stopSetAside(engineOf: (entry: JournalEntry) => Promise<Engine>, entries: readonly JournalEntry[]): Promise<void> {
  for (const entry of entries) {
    if (entry.did !== 'renamed container') continue
    const { containers } = await engineOf(entry)
    const container = await unlessMissing(containers.inspect(entry.container))
    if (container !== undefined && container.State.Running && isSetAside(container, entries)) await containers.stop(entry.container)
  }
}
