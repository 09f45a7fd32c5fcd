import type { ContainerInspect } from '../engine/api-types.ts'
import type { Engine } from '../engine/engine.ts'
import type { JournalEntry } from '../pipeline/journal.ts'
import type { Run } from './run.ts'
import { isTemporary } from './put-right.ts'
import { retireContainer } from './retire-container.ts'
import { removeRecord, writeRecord, type KeptContainer, type ReplacedData, type ReplacementRecord } from './run-records.ts'

/** Images are not among it: their names may be wanted by now, and what was kept is made from its image, named or not. */
const takenBack: ReadonlySet<string> = new Set(['created container', 'created volume', 'created network', 'filled volume', 'filled path', 'created path'] satisfies readonly JournalEntry['did'][])

export type Replacement = {
  readonly run: Run
  readonly engine: Engine
  readonly kind: ReplacementRecord['kind']
  readonly repository: string
  readonly containers: ReplacementRecord['containers']
  /** The containers that are replaced, as they were before, with the names under which they are kept. */
  readonly aside: readonly { readonly inspect: ContainerInspect; readonly name: string }[]
  readonly replaced: readonly ReplacedData[]
  readonly backups: readonly string[]
}

/**
 * The commit: the record of the way back is written, and then one line in the journal makes what was made the user's, and what
 * it replaces things that are to rest.
 */
export async function keepReplaced({ run, engine, kind, repository, containers, aside, replaced, backups }: Replacement): Promise<void> {
  const open = run.journal.open().filter(entry => !isTemporary(entry, run.id))
  const made = open.filter(({ did }) => takenBack.has(did))
  const kept = aside.map(({ inspect, name }): KeptContainer => ({ name, id: inspect.Id, was: inspect.Name.slice(1), status: inspect.State.Status, restartPolicy: inspect.HostConfig.RestartPolicy }))
  const record: ReplacementRecord = { format: 1, kind, run: run.id, command: run.command, at: new Date().toISOString(), engine: { address: engine.address, id: engine.facts.id }, made, containers, kept, replaced, repository, backups }
  try {
    await writeRecord(run.journalFolder, record)
    await run.journal.exchange(open, engine, kept.map(({ id, name }) => ({ did: 'retired container', container: id, name })))
  } catch (thrown) {
    await removeRecord(run.journalFolder, run.id)
    throw thrown
  }
}

/** They are stopped already; now the engine does not start them either when it starts itself. */
export async function retireKept({ run, engine }: { readonly run: Run; readonly engine: Engine }): Promise<void> {
  for (const entry of run.journal.open()) {
    if (entry.did !== 'retired container') continue
    await retireContainer(engine, entry.container)
    await run.journal.settle(entry)
  }
}
