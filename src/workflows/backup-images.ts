/** Backs up images alone: by name and tag, by id, or by a bare name for all its tags. */
import type { Engine } from '../engine/engine.ts'
import { familiarName, isImageId } from '../engine/image-reference.ts'
import { DrayError } from '../errors/dray-error.ts'
import type { OwnerLock } from '../files/owner-lock.ts'
import { addBackup } from '../store/backup-graph.ts'
import type { BackupSummary } from '../store/backup-summary.ts'
import type { Repository } from '../store/repository.ts'
import { newBackupFacts } from './backup-facts.ts'
import type { Run } from './run.ts'
import { SharedImages } from './shared-images.ts'
import { captureImage, type CapturedImage, type ImageSource } from './steps/capture-image.ts'

export type ImagesJob = { readonly run: Run; readonly engine: Engine; readonly repository: Repository; readonly lock: OwnerLock; readonly refs: readonly string[]; readonly tags: readonly string[]; readonly images?: SharedImages }

export type ImagesReport = { readonly backup: BackupSummary; readonly images: readonly CapturedImage[] }

/** One backup that holds every image. An image under several names is stored once, with all of those that were asked for. */
export async function backUpImages({ run, engine, repository, lock, refs, tags, images: shared = new SharedImages(repository) }: ImagesJob): Promise<ImagesReport> {
  const source: ImageSource = { run, engine, repository, images: shared.store }
  const images: CapturedImage[] = []
  for (const [id, names] of await chooseImages(engine, refs, run.signal)) images.push(await shared.inTurn(engine, () => captureImage(source, id, names)))
  return { backup: await addBackup(repository, { ...newBackupFacts(run, engine, tags), images: images.map(({ descriptor }) => descriptor), containers: [], mounts: [] }, lock), images }
}

/** Ids and the names to keep for each. Throws `not-found` for the first that the engine does not have. */
async function chooseImages(engine: Engine, refs: readonly string[], signal: AbortSignal): Promise<Map<string, string[]>> {
  const chosen = new Map<string, Set<string>>()
  const add = (id: string, names: readonly string[]): void => {
    chosen.set(id, new Set([...(chosen.get(id) ?? []), ...names]))
  }
  const present = await engine.images.list({ signal })
  for (const ref of refs) {
    if (isImageId(ref) || hasTag(ref)) {
      const { Id, RepoTags } = await engine.images.inspect(ref, { signal })
      add(Id, isImageId(ref) ? (RepoTags ?? []) : [familiarName(ref)])
      continue
    }
    const prefix = familiarName(`${ref}:x`).slice(0, -1)
    const found = present.flatMap(({ Id, RepoTags }) => (RepoTags ?? []).filter(tag => tag.startsWith(prefix) && !tag.slice(prefix.length).includes('/')).map(tag => ({ Id, tag })))
    if (found.length === 0) throw new DrayError('not-found', `the engine has no image "${ref}" under any tag`, { hints: ['docker image ls shows the images'] })
    for (const { Id, tag } of found) add(Id, [tag])
  }
  return new Map([...chosen].map(([id, names]) => [id, [...names].sort()]))
}

function hasTag(ref: string): boolean {
  return ref.lastIndexOf(':') > ref.lastIndexOf('/')
}
