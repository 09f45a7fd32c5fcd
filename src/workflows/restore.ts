/**
 * Restores one container, whole, to an engine: everything that can be known to fail is found first; everything made by a run
 * that fails is removed, and a replaced container runs again.
 */
import type { SpecComparison } from '../engine/spec/compare-specs.ts'
import type { Engine } from '../engine/engine.ts'
import type { OwnerLock } from '../files/owner-lock.ts'
import type { MountWriter } from '../mounts/mount-access.ts'
import { Pipeline } from '../pipeline/pipeline.ts'
import { ChunkReader } from '../store/chunk-reader.ts'
import type { Repository } from '../store/repository.ts'
import { isTemporary, putAllRight } from './put-right.ts'
import type { RestoreOptions, RestorePlan, StoredContainer, StoredMount } from './restore-plan.ts'
import { temporaryJournal, type Run, type TemporaryJournal } from './run.ts'
import { bringImages, noImage, type BroughtImages } from './steps/bring-images.ts'
import { asRecorded, checkContent, readEntries } from './steps/check-content.ts'
import { checkNames } from './steps/check-names.ts'
import { checkTarget, Obstacles } from './steps/check-target.ts'
import { chooseBackup } from './steps/choose-backup.ts'
import { compareRestored } from './steps/compare-restored.ts'
import { createContainer } from './steps/create-container.ts'
import { giveState, type GivenState } from './steps/give-state.ts'
import { findImageByName } from './steps/image-names.ts'
import { withLostMemory } from './steps/hold-memory.ts'
import { readStored, readWhatIsLeft } from './steps/read-stored.ts'
import { removeReplaced, setAside, type SetAside } from './steps/replace-container.ts'
import { takeTurn } from './steps/restore-turn.ts'
import { restoreData } from './steps/restore-data.ts'
import { makeNetworks, makeVolumes, writeMounts, writeNewVolumes } from './steps/restore-mounts.ts'
import type { WrittenMount } from './steps/write-mount.ts'

export type RestoreJob = {
  readonly run: Run
  /** Where it is restored to. */
  readonly engine: Engine
  readonly repository: Repository
  readonly lock: OwnerLock
  readonly backup: string
  readonly container: string | undefined
  readonly options: RestoreOptions
  /** Of this program, for the safety backup of what is replaced. */
  readonly version: string
}

export type RestoreReport = {
  readonly stored: StoredContainer
  readonly plan: RestorePlan
  readonly id: string
  readonly images: BroughtImages
  readonly written: readonly WrittenMount[]
  readonly state: GivenState
  readonly comparison: SpecComparison
  readonly setAside: SetAside | undefined
  readonly milliseconds: number
}

/** Undo is one thing for all steps: what the journal says was done is put right, newest first. */
export const restorePipeline = Pipeline.named<RestoreJob>('restore')
  .step('read the backup', readBackup)
  .step('check the target', check, { undo: { name: 'what was made on the target', run: putBack }, cleanup: { name: 'what was made for the moment', run: closeUp } })
  .step('bring its images', async ({ run, engine, repository, stored, plan }) => ({ images: await bringImages({ run, engine, blobs: repository.blobs, stored, imageRef: plan.imageRef }) }))
  .step('set aside what is replaced', async state => ({ aside: await setAside(state) }))
  .act('make its networks', makeNetworks)
  .act('make its volumes', makeVolumes)
  .step('write its data', writeMounts)
  .step('create the container', async state => ({ id: await createContainer(state) }))
  .step('write its new volumes', async state => ({ filled: await writeNewVolumes(state) }))
  .step('give it its state', async state => ({ given: await giveState(state) }))
  .step('compare it with the backup', async state => ({ comparison: await compareRestored(state) }))
  .act('keep what was made', keepMade)
  .pointOfNoReturn()
  .act('remove what was replaced', removeReplaced)

export async function restoreContainer(job: RestoreJob): Promise<RestoreReport> {
  const startedAt = performance.now()
  const turn = await takeTurn(job)
  try {
    const { state } = await restorePipeline.run(job, { signal: job.run.signal, observer: job.run.reporter })
    const { stored, plan, id, images, written, filled, given, comparison, aside } = state
    return { stored, plan, id, images, written: withLostMemory([...written, ...filled], plan.mounts, given.status), state: given, comparison, setAside: aside, milliseconds: performance.now() - startedAt }
  } finally {
    await turn.release()
  }
}

/** What a restore would do, with nothing done. */
export async function planRestore(job: RestoreJob): Promise<{ readonly stored: StoredContainer; readonly plan: RestorePlan }> {
  const read = await readBackup(job)
  try {
    return { ...read, ...(await check({ ...job, ...read })) }
  } finally {
    await putAllRight(job.engine, job.run, job.run.journal.open(), restoreData(job.run))
  }
}

type Read = RestoreJob & { readonly stored: StoredContainer; readonly source: ChunkReader; readonly temporary: TemporaryJournal }
type Checked = Read & { readonly plan: RestorePlan }

async function readBackup({ run, engine, repository, backup, container, options }: RestoreJob): Promise<Omit<Read, keyof RestoreJob>> {
  const chosen = await chooseBackup(repository, backup, container, text => run.reporter.warn(text))
  const stored = options.skipDamaged ? await readWhatIsLeft(run, repository, chosen, container) : await readStored(repository, chosen, container)
  return { stored, source: new ChunkReader(repository.blobs), temporary: temporaryJournal(run, engine) }
}

async function check(state: Read): Promise<{ plan: RestorePlan }> {
  const { run: { signal }, engine, repository, source, stored, options } = state
  try {
    checkNames([stored], options, 'backup')
    const obstacles = new Obstacles()
    const holdsSame = async ({ described, content, isBad }: StoredMount, there: MountWriter): Promise<boolean> => {
      const isKnown = there.canList && (isBad === undefined || !content.toc.chunks.some(isBad))
      return isKnown && (await checkContent(asRecorded(there, described), readEntries(source, content), content, signal)).length === 0
    }
    const plan = await checkTarget({ ...state, own: [repository.path], holdsSame, mayReplace: true }, obstacles)
    obstacles.stop(engine.address)
    if (stored.spec.images.every(({ role }) => role === 'changed') && (await findImageByName(engine, plan.imageRef, signal)) === undefined) throw noImage(plan.imageRef, engine)
    return { plan }
  } catch (thrown) {
    await closeUp(state)
    throw thrown
  }
}

async function putBack({ run, engine }: Checked): Promise<'nothing to undo' | undefined> {
  const open = run.journal.open()
  await putAllRight(engine, run, open, restoreData(run))
  return open.some(({ did }) => did !== 'created image') ? undefined : 'nothing to undo'
}

/** Helpers of readers and writers that were not removed by themselves, and the names that images had for the moment: only now, because undoing has to find them. */
async function closeUp({ run, engine }: Read): Promise<void> {
  await putAllRight(engine, run, run.journal.open().filter(entry => isTemporary(entry, run.id)), restoreData(run))
}

/** The commit: one line in the journal makes what was made the user's, and what it replaces a thing to remove. */
async function keepMade({ run, engine, aside }: { readonly run: Run; readonly engine: Engine; readonly aside: SetAside | undefined }): Promise<void> {
  const old = aside?.container
  const made = run.journal.open().filter(entry => !isTemporary(entry, run.id))
  await run.journal.exchange(made, engine, old === undefined ? [] : [{ did: 'superseded container', container: old.id, name: old.name }])
}
