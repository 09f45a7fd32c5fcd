/**
 * Takes a restore or an upgrade back: what it made goes, after it is backed up, and what it replaced comes back with its data as
 * it was. A failure before that undoes all of it.
 */
import type { Engine } from '../engine/engine.ts'
import { unlessMissing } from '../engine/unless-missing.ts'
import { recordContainer } from '../engine/spec/record-container.ts'
import { noRemaps } from '../engine/spec/remap-record.ts'
import { nameOf } from '../engine/spec/spec-record.ts'
import { DrayError, messageOf } from '../errors/dray-error.ts'
import type { OwnerLock } from '../files/owner-lock.ts'
import { Pipeline } from '../pipeline/pipeline.ts'
import type { JournalAction, JournalEntry } from '../pipeline/journal.ts'
import type { Repository } from '../store/repository.ts'
import { isTemporary, putAllRight } from './put-right.ts'
import { removeRecord, writeRecord, type DrillRecord, type ReplacementRecord } from './run-records.ts'
import { temporaryJournal, type Run } from './run.ts'
import { giveState } from './steps/give-state.ts'
import { setAside, type SetAside } from './steps/replace-container.ts'
import { restoreData } from './steps/restore-data.ts'
import { inspectRunning, usersOfPath, usersOfVolume } from './steps/running-containers.ts'

export type UndoReplacementJob = { readonly run: Run; readonly engine: Engine; readonly repository: Repository; readonly lock: OwnerLock; readonly record: ReplacementRecord; readonly version: string }

export const undoReplacementPipeline = Pipeline.named<UndoReplacementJob>('undo')
  .step('set aside what the run made', setAsideMade, { undo: { name: 'what the run made is back', run: putBack }, cleanup: { name: 'what was made for the moment', run: closeUp } })
  .act('put the old data back', bringData)
  .act('bring the old containers back', bringContainers)
  .act('give up what the run made', giveUp)
  .pointOfNoReturn()
  .act('remove what the run made', removeMade)

/** Returns the backups that hold what was there until now. */
export async function undoReplacement(job: UndoReplacementJob): Promise<readonly string[]> {
  const { state } = await undoReplacementPipeline.run(job, { signal: job.run.signal, observer: job.run.reporter })
  return state.aside?.backups ?? []
}

/** Looks, and changes nothing. Throws `conflict` for what cannot be taken back. */
export async function checkUndo({ run: { signal }, engine, record }: Pick<UndoReplacementJob, 'run' | 'engine' | 'record'>): Promise<void> {
  requireSame(engine, record)
  if (record.undone !== undefined) throw new DrayError('conflict', `run "${record.run}" was taken back already, at ${record.undone}`)
  if (record.cleaned !== undefined) throw new DrayError('conflict', `what run "${record.run}" replaced was removed at ${record.cleaned}`, { hints: record.backups.map(backup => `it is in backup ${backup}: dray restore ${backup} --replace`) })
  for (const { id, name, was } of record.kept) {
    const there = await unlessMissing(engine.containers.inspect(id, { signal }))
    if (there !== undefined && nameOf(there) !== name) throw new DrayError('conflict', `the container "${was}" that was replaced is not kept any more: it has the name "${nameOf(there)}"`, { hints: [`give it its name back, and run the same command again: docker rename ${nameOf(there)} ${name}`] })
    if (there === undefined) throw new DrayError('conflict', `the container "${was}" that was replaced is not there any more`, { hints: record.backups.map(backup => `it is in backup ${backup}: dray restore ${backup} ${was} --replace`) })
  }
  const mine = new Set([...record.containers, ...record.kept].map(({ id }) => id))
  const running = (await inspectRunning(engine, [], signal)).filter(({ Id }) => !mine.has(Id))
  for (const data of record.replaced) {
    const [place, users] = 'volume' in data ? [`volume "${data.volume}"`, usersOfVolume(running, data.volume)] : [`"${data.path}"`, usersOfPath(running, data.path)]
    if (users.length > 0) throw new DrayError('conflict', `${place} is in use by container ${users.map(each => `"${each}"`).join(', ')}`, { hints: ['stop it and run the same command again'] })
  }
}

/** A copy that a drill left: all of it goes. */
export async function removeDrill({ run, engine, record }: { readonly run: Run; readonly engine: Engine; readonly record: DrillRecord }): Promise<void> {
  requireSame(engine, record)
  await run.journal.exchange([], engine, record.made)
  await putAllRight(engine, run, run.journal.open(), restoreData(run))
  await removeRecord(run.journalFolder, record.run)
}

export function requireSame(engine: Engine, { engine: { address, id } }: { readonly engine: ReplacementRecord['engine'] }): void {
  if (engine.facts.id !== id) throw new DrayError('conflict', `another engine answers at "${address}" than then`)
}

type Aside = UndoReplacementJob & { readonly aside: SetAside | undefined }

/** Stopped, backed up together with all their data, and out of the way of the names. */
async function setAsideMade(job: UndoReplacementJob): Promise<{ aside: SetAside | undefined }> {
  const { run, engine, record } = job
  const there = await Promise.all(record.containers.map(({ id }) => unlessMissing(engine.containers.inspect(id, { signal: run.signal }))))
  const plans = there.flatMap(replaced => (replaced === undefined ? [] : [{ replaced, mounts: [] }]))
  const options = { replace: true, start: true, remaps: noRemaps, keep: [], reader: 'auto', skipDamaged: false } as const
  return { aside: await setAside({ ...job, temporary: temporaryJournal(run, engine), options, plans }) }
}

/**
 * What is there now has its own way back in the journal. What nobody has backed up now cannot be put under old data. What was
 * empty when the run came is empty again.
 */
async function bringData({ run, engine, repository, record, aside }: Aside): Promise<void> {
  for (const data of record.replaced) {
    const source = 'volume' in data ? data.volume : data.path
    const backup = aside?.holderOf(source)
    if (backup === undefined) throw new DrayError('conflict', `${source}: no container of run "${record.run}" has it any more, and so what it holds now is not backed up`, { hints: [`its old data is in backup ${data.backup}: dray show ${data.backup}`] })
    const way = 'volume' in data ? { did: 'replaced volume data' as const, volume: data.volume } : { did: 'replaced path' as const, path: data.path }
    const entry = await run.journal.record(engine, { ...way, backup, repository: repository.path })
    await restoreData(run)({ ...entry, backup: data.backup, repository: record.repository } as Extract<JournalEntry, { did: 'replaced volume data' | 'replaced path' }>, engine)
  }
  for (const filled of record.made) {
    if (filled.did !== 'filled volume' && filled.did !== 'filled path') continue
    const [source, way] = filled.did === 'filled volume' ? [filled.volume, { did: 'replaced volume data' as const, volume: filled.volume }] : [filled.path, { did: 'replaced path' as const, path: filled.path }]
    const backup = aside?.holderOf(source)
    if (backup === undefined) {
      run.reporter.note(`left as it is: ${source}: no container of run "${record.run}" has it any more`)
      continue
    }
    const { at } = await run.journal.record(engine, { ...way, backup, repository: repository.path })
    await restoreData(run)({ ...filled, at }, engine)
  }
}

async function bringContainers({ run, engine, record }: Aside): Promise<void> {
  for (const { id, name, was, status, restartPolicy } of record.kept) {
    await run.journal.record(engine, { did: 'renamed container', container: id, was: name })
    await engine.containers.rename(id, was, { signal: run.signal })
    await run.journal.record(engine, { did: 'retired container', container: id, name: was })
    const spec = await recordContainer(engine, id, { signal: run.signal })
    if (!spec.inspect.HostConfig.AutoRemove) await engine.containers.update(id, { RestartPolicy: restartPolicy })
    if (status !== 'running' && status !== 'restarting' && status !== 'paused') continue
    const before = { ...spec, inspect: { ...spec.inspect, State: { ...spec.inspect.State, Status: status === 'restarting' ? 'running' as const : status } }, images: [], leftOut: [] }
    await giveState({ run, engine, stored: { spec: before }, options: { start: true, hint: `look at what it says: docker logs ${was}` }, id })
  }
}

/** Everything the journal says, newest first. */
async function putBack({ run, engine }: UndoReplacementJob): Promise<void> {
  await putAllRight(engine, run, run.journal.open(), restoreData(run))
}

async function closeUp({ run, engine }: UndoReplacementJob): Promise<void> {
  await putAllRight(engine, run, run.journal.open().filter(entry => isTemporary(entry, run.id)), restoreData(run))
}

/**
 * The commit: the record says that the run is taken back, and then one line in the journal makes what the run made things to
 * remove: containers, and what it made for them. What holds data goes only if it was backed up.
 */
async function giveUp({ run, engine, record, aside }: Aside): Promise<void> {
  const open = run.journal.open().filter(entry => !isTemporary(entry, run.id))
  const goes: JournalAction[] = []
  for (const entry of record.made) {
    if (entry.did === 'created network') goes.push({ did: 'created network', network: entry.network })
    if (entry.did === 'created volume' && aside?.holderOf(entry.volume) !== undefined) goes.push({ did: 'created volume', volume: entry.volume })
  }
  goes.push(...(aside?.containers ?? []).map(({ id, name }): JournalAction => ({ did: 'superseded container', container: id, name })))
  try {
    await writeRecord(run.journalFolder, { ...record, undone: new Date().toISOString(), undoneBy: run.id })
    await run.journal.exchange(open, engine, goes)
  } catch (thrown) {
    await writeRecord(run.journalFolder, record)
    throw thrown
  }
}

/** Newest first: containers, then their volumes, networks and paths, unless somebody else has them by now. */
async function removeMade({ run, engine, record, aside }: Aside): Promise<void> {
  await putAllRight(engine, run, run.journal.open().filter(({ did }) => did === 'superseded container'), restoreData(run))
  for (const entry of run.journal.open().filter(({ did }) => did === 'created volume' || did === 'created network')) {
    await unlessOthers(run, 'volume' in entry ? `volume "${entry.volume}"` : 'network' in entry ? `network "${entry.network}"` : entry.did, () => putAllRight(engine, run, [entry], restoreData(run)))
    await run.journal.settle(entry)
  }
  for (const entry of record.made) {
    if (entry.did !== 'created path' || aside?.holderOf(entry.bind ?? entry.path) === undefined) continue
    await unlessOthers(run, `"${entry.path}"`, async () => {
      const [user] = usersOfPath(await inspectRunning(engine, [], run.signal), entry.path)
      if (user !== undefined) throw new DrayError('conflict', `container "${user}" runs with it`)
      await restoreData(run)(entry, engine)
    })
  }
}

async function unlessOthers({ reporter }: Run, what: string, removing: () => Promise<void>): Promise<void> {
  try {
    await removing()
  } catch (thrown) {
    reporter.note(`left as it is: ${what}: ${messageOf(thrown)}`)
  }
}
