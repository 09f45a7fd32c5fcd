import type { ContainerInspect } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import { nameOf } from '../../engine/spec/spec-record.ts'
import type { MountWriter } from '../../mounts/mount-access.ts'
import type { ChunkSource } from '../../store/content-reader.ts'
import type { Repository } from '../../store/repository.ts'
import { optionsFor, type RestoreOptions, type StoredContainer, type StoredMount } from '../restore-plan.ts'
import type { Run, TemporaryJournal } from '../run.ts'
import { noImage } from './bring-images.ts'
import { asRecorded, checkContent, readEntries } from './check-content.ts'
import { checkNamesOfBackups } from './check-names.ts'
import { Obstacles } from '../obstacles.ts'
import { checkTarget, findContainer } from './check-target.ts'
import { dependentsLeftBehind } from './choose-together.ts'
import { findImageByName } from './image-names.ts'
import { shareMounts, type Restoring } from './share-mounts.ts'

export type CheckRestoreJob = {
  readonly run: Run
  readonly engine: Engine
  readonly repository: Repository
  readonly source: ChunkSource
  /** In the order in which they need each other. */
  readonly found: readonly StoredContainer[]
  readonly options: RestoreOptions
  readonly temporary: TemporaryJournal
}

/** What is to be done for each container. Throws `conflict`, naming everything that stands in the way of any of them. */
export async function checkRestore(job: CheckRestoreJob): Promise<Restoring[]> {
  const obstacles = new Obstacles()
  const restoring = await planEach(job, obstacles)
  obstacles.stop(job.engine.address)
  for (const { stored, plan } of restoring) if (stored.spec.images.every(({ role }) => role === 'changed') && (await findImageByName(job.engine, plan.imageRef, job.run.signal)) === undefined) throw noImage(plan.imageRef, job.engine)
  return restoring
}

/** The same with what stands in the way told to `obstacles`. */
export async function planEach(job: CheckRestoreJob, obstacles: Obstacles): Promise<Restoring[]> {
  const { run: { signal }, engine, repository, found, options } = job
  checkNamesOfBackups(found, options)
  const nameFor = (recorded: string): string => optionsFor(options, recorded).name ?? recorded
  const names = new Map(found.map(({ spec }) => [nameOf(spec.inspect), nameFor(nameOf(spec.inspect))]))
  const replacing: ContainerInspect[] = []
  for (const [recorded, name] of names) if (optionsFor(options, recorded).replace) replacing.push(...[await findContainer(engine, name, signal)].filter(each => each !== undefined))
  for (const { name, of, shares } of await dependentsLeftBehind(engine, replacing, signal)) job.run.reporter.warn(`container "${name}" uses the ${shares} of "${of}", which is replaced: it has to be made again, or restored together with it`)
  const restoring: Restoring[] = []
  for (const stored of found) {
    const together = new Map([...names].filter(([name]) => name !== nameOf(stored.spec.inspect)))
    const plan = await checkTarget({ ...job, options: optionsFor(options, nameOf(stored.spec.inspect)), stored, own: [repository.path], holdsSame: holdsSameAs(job), together, replacing, mayReplace: true }, obstacles)
    restoring.push({ spec: stored.spec, stored, plan })
  }
  return shareMounts(restoring, obstacles)
}

/** Whether what lies in a bind on the target is what the mount holds. */
export function holdsSameAs({ source, run: { signal } }: Pick<CheckRestoreJob, 'source' | 'run'>): (mount: StoredMount, there: MountWriter) => Promise<boolean> {
  return async ({ described, content, isBad }, there) => {
    const isKnown = there.canList && (isBad === undefined || !content.toc.chunks.some(isBad))
    return isKnown && (await checkContent(asRecorded(there, described), readEntries(source, content), content, signal)).length === 0
  }
}
