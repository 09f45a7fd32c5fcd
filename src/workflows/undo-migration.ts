/**
 * Takes a finished migration back: the source runs again as it did, and then what the run made on the target is removed. Before
 * that everything is undone by a failure: the copy runs again.
 */
import type { Engine } from '../engine/engine.ts'
import { recordContainer } from '../engine/spec/record-container.ts'
import { unlessMissing } from '../engine/unless-missing.ts'
import { DrayError } from '../errors/dray-error.ts'
import { Pipeline } from '../pipeline/pipeline.ts'
import { putAllRight } from './put-right.ts'
import { closeUp } from './roll-back-migration.ts'
import { describePlace } from './restore-plan.ts'
import { temporaryJournal, type Run } from './run.ts'
import { writeRecord, type MigrationRecord, type MovedMount } from './run-records.ts'
import { hasChanges } from './steps/capture-image.ts'
import { openMountCopy } from './steps/copy-mount.ts'
import { giveState } from './steps/give-state.ts'
import { restoreData } from './steps/restore-data.ts'
import { targetOf } from './steps/write-mount.ts'

/** `target` is undefined when it does not answer: then only the source can be seen to. */
export type UndoJob = { readonly run: Run; readonly record: MigrationRecord; readonly source: Engine; readonly target: Engine | undefined; readonly discardsNewData: boolean }

/** What was written on the target since, as far as it shows: it would be lost. */
export type UndoPlan = { readonly changes: readonly string[] }

export const undoPipeline = Pipeline.named<UndoJob>('undo the migration')
  .act('stop the copy', stopCopies, { undo: { name: 'the copy runs', run: wakeCopies }, cleanup: { name: 'what was made for the moment', run: closeUndo } })
  .actIf(({ discardsNewData }) => !discardsNewData, 'look at its data once more', requireUnchanged)
  .act('start the source', startSources, { undo: { name: 'the source rests again', run: retireAgain } })
  .act('give the copy up', giveUp)
  .pointOfNoReturn()
  .act('remove the copy', removeMade)
  .act('note it', note)

export async function undoMigration(job: UndoJob): Promise<void> {
  await undoPipeline.run(job, { signal: job.run.signal, observer: job.run.reporter })
}

/** Looks, and changes nothing. Throws `conflict` for what cannot be taken back. */
export async function planUndo({ run, record, source, target }: UndoJob): Promise<UndoPlan> {
  const { signal } = run
  if (record.undone !== undefined) throw new DrayError('conflict', `the migration "${record.run}" was taken back already, at ${record.undone}`)
  if (record.sourceRemoved) throw new DrayError('conflict', `the migration "${record.run}" removed its source, which cannot be started again`, { hints: [`move it back, with all it holds now: dray migrate ${record.containers.map(({ copy }) => copy.name).join(' ')} ${record.target.address} ${record.source.address}`] })
  requireSame(source, record.source)
  if (target !== undefined) requireSame(target, record.target)
  for (const { id, name } of record.containers) {
    if ((await unlessMissing(source.containers.inspect(id, { signal }))) === undefined) throw new DrayError('conflict', `container "${name}" is not on the source any more`, { hints: ['what is on the target is all there is: nothing was changed'] })
  }
  for (const { label, source: mount } of record.mounts) {
    if (mount.kind === 'volume' && (await unlessMissing(source.volumes.inspect(mount.name, { signal }))) === undefined) throw new DrayError('conflict', `${label} is not on the source any more`, { hints: ['what is on the target is all there is: nothing was changed'] })
  }
  if (target === undefined) return { changes: [] }
  try {
    return { changes: await changesOn(target, { run, record, source }) }
  } finally {
    await closeUp({ run, source, target })
  }
}

async function closeUndo({ run, source, target }: UndoJob): Promise<void> {
  await closeUp({ run, source, target: target ?? source })
}

function requireSame(engine: Engine, { address, id }: MigrationRecord['source']): void {
  if (engine.facts.id !== id) throw new DrayError('conflict', `another engine answers at "${address}" than then`)
}

async function changesOn(target: Engine, { run, record, source }: Pick<UndoJob, 'run' | 'record' | 'source'>): Promise<string[]> {
  const changes: string[] = []
  for (const { copy } of record.containers) {
    const container = await unlessMissing(target.containers.inspect(copy.id, { signal: run.signal }))
    if (container !== undefined && (await hasChanges({ engine: target, container, signal: run.signal }))) changes.push(`container "${copy.name}" has written to its own files`)
  }
  for (const mount of record.mounts) {
    const found = await compareMount(target, { run, record, source }, mount)
    if (found.length > 0) changes.push(`${describePlace(mount.place)}: ${found.slice(0, 3).join(', ')}${found.length > 3 ? ', and more' : ''}`)
  }
  return changes
}

/** A volume that is gone from the target has nothing to lose. */
async function compareMount(target: Engine, { run, record, source }: Pick<UndoJob, 'run' | 'record' | 'source'>, { label, source: from, place, copyOf }: MovedMount): Promise<readonly string[]> {
  const copy = record.containers.find(({ id }) => id === copyOf)?.copy.id
  const to = await unlessMissing(targetOf(target, place, copy, run.signal))
  if (to === undefined) return []
  await using compared = await openMountCopy({ run, source, target, from, to, label, reader: 'auto', sourceJournal: temporaryJournal(run, source), targetJournal: temporaryJournal(run, target) })
  return await compared.compare({ content: false }, run.signal)
}

async function stopCopies({ run, record, target }: UndoJob): Promise<void> {
  if (target === undefined) return
  for (const { copy } of [...record.containers].reverse()) {
    const container = await unlessMissing(target.containers.inspect(copy.id, { signal: run.signal }))
    if (container?.State.Running !== true) continue
    await run.journal.record(target, { did: 'stopped', container: copy.id, name: copy.name })
    if (container.State.Paused) await target.containers.unpause(copy.id)
    await target.containers.stop(copy.id)
  }
}

async function wakeCopies({ run, target }: UndoJob): Promise<void> {
  if (target !== undefined) await putAllRight(target, run, run.journal.open().filter(({ did, engineId }) => did === 'stopped' && engineId === target.facts.id), restoreData(run))
}

/** What was written between the first look and the stop. */
async function requireUnchanged({ target, ...job }: UndoJob): Promise<void> {
  const changes = target === undefined ? [] : await changesOn(target, job)
  if (changes.length > 0) throw newData(job.record, changes)
}

export function newData({ run, target }: MigrationRecord, changes: readonly string[]): DrayError {
  return new DrayError('conflict', `nothing was changed: data was written on "${target.address}" since the migration, and would be lost`, {
    list: changes,
    hints: [`keep it first, in a backup: dray backup NAME -H ${target.address}`, `give it up: dray migrate --undo ${run} --discard-new-data`],
  })
}

async function startSources({ run, record, source }: UndoJob): Promise<void> {
  for (const { id, name, status, restartPolicy } of record.containers) {
    await run.journal.record(source, { did: 'retired container', container: id, name })
    const spec = await recordContainer(source, id, { signal: run.signal })
    if (!spec.inspect.HostConfig.AutoRemove) await source.containers.update(id, { RestartPolicy: restartPolicy })
    if (spec.inspect.State.Running && !spec.inspect.State.Paused) continue
    if (spec.inspect.State.Paused && status !== 'paused') await source.containers.unpause(id)
    const before = { ...spec, inspect: { ...spec.inspect, State: { ...spec.inspect.State, Status: status === 'restarting' ? 'running' as const : status } }, images: [], leftOut: [] }
    if (!spec.inspect.State.Paused && (status === 'running' || status === 'restarting' || status === 'paused')) await giveState({ run, engine: source, stored: { spec: before }, options: { start: true, hint: `look at what it says: docker logs ${name}` }, id })
  }
}

async function retireAgain({ run, source }: UndoJob): Promise<void> {
  await putAllRight(source, run, run.journal.open().filter(({ did, engineId }) => did === 'retired container' && engineId === source.facts.id), restoreData(run))
}

/** The commit: the source is the user's again, and what was made on the target is to be removed. */
async function giveUp({ run, record }: UndoJob): Promise<void> {
  await run.journal.exchange(run.journal.open().filter(({ did }) => did === 'stopped' || did === 'retired container'), { address: record.target.address, facts: { id: record.target.id } }, record.made)
}

/** Where the target does not answer it stays in the journal, for `dray clean`. */
async function removeMade({ run, record, target }: UndoJob): Promise<void> {
  if (target === undefined) return
  await putAllRight(target, run, run.journal.open().filter(({ engineId }) => engineId === record.target.id), restoreData(run))
  for (const id of record.images) {
    const image = await unlessMissing(target.images.inspect(id))
    if (image?.RepoTags?.length === 0) await target.images.remove(id).catch(inUse)
  }
}

/** By a container that somebody made from it. */
function inUse(thrown: unknown): void {
  if (!(thrown instanceof DrayError && thrown.code === 'conflict')) throw thrown
}

async function note({ run, record }: UndoJob): Promise<void> {
  await writeRecord(run.journalFolder, { ...record, undone: new Date().toISOString() })
}
