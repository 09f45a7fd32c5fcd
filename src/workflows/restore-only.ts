/** A part of a backup, without its containers: the data of their mounts, or their images. */
import { Pipeline } from '../pipeline/pipeline.ts'
import { Obstacles } from './obstacles.ts'
import { isTemporary } from './put-right.ts'
import type { StoredContainer } from './restore-plan.ts'
import { closeUp, putBack, readBackups, type ReadBackups, type RestoreJob } from './restore.ts'
import { bringOriginals, type BroughtImages } from './steps/bring-images.ts'
import { planData } from './steps/check-data.ts'
import { makePlacesOf } from './steps/make-places.ts'
import { setAside, type SetAside } from './steps/replace-container.ts'
import { writeMounts, writeNewVolumes } from './steps/restore-mounts.ts'
import type { Restoring } from './steps/share-mounts.ts'
import type { WrittenMount } from './steps/write-mount.ts'
import { writeNested } from './steps/write-nested.ts'

export type PartReport = { readonly stored: StoredContainer; readonly plan?: Restoring['plan']; readonly images?: Omit<BroughtImages, 'wantedId'>; readonly written: readonly WrittenMount[]; readonly setAside: SetAside | undefined }

type Checked = ReadBackups & { readonly restoring: readonly Restoring[] }
type Aside = Checked & { readonly aside: SetAside | undefined }

export const restoreDataPipeline = Pipeline.named<RestoreJob>('restore data')
  .step('read the backup', readBackups)
  .step('check the target', checkData, { undo: { name: 'what was made on the target', run: putBack }, cleanup: { name: 'what was made for the moment', run: closeUp } })
  .step('set aside what is replaced', async state => ({ aside: await setAside({ ...state, plans: state.restoring.map(({ plan }) => plan) }) }))
  .act('make its volumes', ({ run, engine, restoring }) => makePlacesOf({ run, engine }, restoring.map(({ plan }) => plan)))
  .step('write its data', writeAll)
  .act('keep what was made', keepMade)
  .pointOfNoReturn()

export const restoreImagesPipeline = Pipeline.named<RestoreJob>('restore images')
  .step('read the backup', async job => ({ ...(await readBackups(job)), restoring: [] }))
  .step('bring its images', bringAll, { undo: { name: 'what was made on the target', run: putBack }, cleanup: { name: 'what was made for the moment', run: closeUp } })
  .act('keep what was made', keepMade)
  .pointOfNoReturn()

/** Writes the data of the mounts and touches no container. What is replaced is backed up first; when it fails all is as it was. */
export async function restoreData(job: RestoreJob): Promise<PartReport[]> {
  const { state } = await restoreDataPipeline.run(job, { signal: job.run.signal, observer: job.run.reporter })
  return state.restoring.map(({ stored, plan }) => ({ stored, plan, written: state.written.get(stored) ?? [], setAside: state.aside }))
}

/** Brings the images that the containers were made from, under their names. */
export async function restoreImages(job: RestoreJob): Promise<PartReport[]> {
  const { state } = await restoreImagesPipeline.run(job, { signal: job.run.signal, observer: job.run.reporter })
  return state.found.map(stored => ({ stored, images: state.images.get(stored), written: [], setAside: undefined } as PartReport))
}

/** What either would do, with nothing done. */
export async function planPart(job: RestoreJob): Promise<readonly Pick<PartReport, 'stored' | 'plan'>[]> {
  const read = { ...job, ...(await readBackups(job)) }
  if (job.options.only === 'image') return read.found.map(stored => ({ stored }))
  try {
    return (await checkData(read)).restoring
  } finally {
    await closeUp(job)
  }
}

async function checkData(state: RestoreJob & ReadBackups): Promise<{ restoring: readonly Restoring[] }> {
  const obstacles = new Obstacles()
  try {
    const restoring = await planData(state, obstacles)
    obstacles.stop(state.engine.address)
    return { restoring }
  } catch (thrown) {
    await closeUp(state)
    throw thrown
  }
}

async function writeAll(state: Aside): Promise<{ written: ReadonlyMap<StoredContainer, readonly WrittenMount[]> }> {
  const done = new Map<StoredContainer, readonly WrittenMount[]>()
  for (const { stored, plan } of state.restoring) {
    const { written, empty } = await writeMounts({ ...state, stored, plan })
    done.set(stored, [...written, ...(await writeNewVolumes({ ...state, stored, plan, id: '', together: [], empty }))])
  }
  for (const { stored, plan } of state.restoring) done.set(stored, [...(done.get(stored) ?? []), ...(await writeNested({ ...state, stored, plan }))])
  return { written: done }
}

async function bringAll({ run, engine, repository, found }: RestoreJob & ReadBackups): Promise<{ images: ReadonlyMap<StoredContainer, Omit<BroughtImages, 'wantedId'>> }> {
  const images = new Map<StoredContainer, Omit<BroughtImages, 'wantedId'>>()
  for (const stored of found) images.set(stored, await bringOriginals({ run, engine, blobs: repository.blobs, stored }))
  return { images }
}

async function keepMade({ run, engine }: RestoreJob): Promise<void> {
  await run.journal.exchange(run.journal.open().filter(entry => !isTemporary(entry, run.id)), engine, [])
}
