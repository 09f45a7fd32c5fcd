import type { ContainerInspect } from '../../engine/api-types.ts'
import type { CommitRequest, Engine } from '../../engine/engine.ts'
import { splitReference } from '../../engine/image-reference.ts'
import { childAnnotationNames } from '../../store/backup-summary.ts'
import type { ImageStore } from '../../store/image-store.ts'
import type { Descriptor } from '../../store/oci.ts'
import type { ImageRole, StoredImageFacts } from '../container-spec.ts'
import { whileTransferring } from '../reporter.ts'
import type { Run } from '../run.ts'
import { againAfterLostUpload } from './again-after-lost-upload.ts'
import type { Base } from './find-base.ts'
import { storeFlattened } from './flatten-container.ts'
import { isImageLost } from './lost-image.ts'
import { storeImage, type ImageJob, type ImageReport } from './store-image.ts'
import type { WritableLayer } from './writable-layer.ts'

/** An image as it goes into the backup: its manifest's descriptor says whose it is and which. */
export type CapturedImage = { readonly descriptor: Descriptor; readonly facts: StoredImageFacts; readonly report: ImageReport }

/** Where images come from and go to. */
export type ImageSource = Omit<ImageJob, 'transfer' | 'signal'> & { readonly run: Run }

/** What commit is told besides the container, and the names that it gets in the backup. Any of it makes a commit even of an empty writable layer. */
export type CommitWishes = { readonly names: readonly string[]; readonly changes: readonly string[]; readonly author?: string; readonly message?: string }

/** An image alone. One that cannot be had whole is an error: there is no container to fall back to. */
export async function captureImage(source: ImageSource, id: string, names: readonly string[]): Promise<CapturedImage> {
  return toCaptured(await transferring(source, names[0] ?? id.slice(0, 19), job => storeImage(job, id)), 'image', names, undefined)
}

/** `changed` names the commit that has what --change asked for, besides the one that the container can be made from. */
export type WritableLayerCapture = PlainCapture & { readonly changed?: string }

type PlainCapture =
  | { readonly how: 'empty' }
  | { readonly how: 'unchanged'; readonly descriptor: Descriptor; readonly facts: StoredImageFacts; readonly fingerprint: string }
  | { readonly how: 'committed'; readonly ref: string; readonly fingerprint?: string; readonly isUntold?: boolean }

export type CommitJob = { readonly run: Run; readonly engine: Engine; readonly images: ImageStore; readonly container: ContainerInspect; readonly wishes: CommitWishes; readonly base: Base | undefined; readonly layer: WritableLayer | undefined; readonly signal: AbortSignal }

/** In a commit's history, by which the next backup tells writable layers of earlier lives from the original image's own. */
export const writableLayerComment = 'writable layer, by dray'

function commitName(run: Run, { Id }: ContainerInspect, which: 'plain' | 'changed'): string {
  return `drayage-tmp:${run.id}-${Id.slice(0, 12)}${which === 'plain' ? '' : '-changed'}`
}

/** Tells the journal of the commits that captureWritableLayer may make: before the container rests, for which the journal's disk may be slow. */
export async function announceCommit(run: Run, engine: Engine, container: ContainerInspect, { changes }: Pick<CommitWishes, 'changes'>): Promise<void> {
  await run.journal.record(engine, { did: 'created tag', ref: commitName(run, container, 'plain') })
  if (changes.length > 0) await run.journal.record(engine, { did: 'created tag', ref: commitName(run, container, 'changed') })
}

/**
 * Keeps the writable layer of a container that rests: by a commit under a temporary name, which announceCommit told the journal, unless it
 * is empty or the repository holds it already. The engine cannot be stopped in a commit, so that this waits for its end.
 * What --change asks for is another commit: a container made from it would have it too.
 */
export async function captureWritableLayer(job: CommitJob): Promise<WritableLayerCapture> {
  if (job.wishes.changes.length === 0) return await capturePlain(job)
  const plain = await capturePlain({ ...job, wishes: noWishes })
  return { ...plain, changed: await commit(job, 'changed') }
}

const noWishes: CommitWishes = { names: [], changes: [] }

async function capturePlain(job: CommitJob): Promise<PlainCapture> {
  const { wishes, signal } = job
  const isWished = wishes.names.length > 0 || wishes.author !== undefined || wishes.message !== undefined
  const fingerprint = await job.layer?.fingerprint(signal)
  const stored = isWished || fingerprint === undefined ? undefined : await storedBefore(job, fingerprint)
  if (stored !== undefined && fingerprint !== undefined) return { how: 'unchanged', ...stored, fingerprint }
  const made = isWished ? { ref: await commit(job, 'plain') } : await commitUnlessEmpty(job)
  if (made === undefined) return { how: 'empty' }
  return { how: 'committed', ...made, ...(fingerprint === undefined || isWished ? {} : { fingerprint }) }
}

export type ChangesJob = Pick<CommitJob, 'run' | 'engine' | 'container' | 'signal'> & Partial<Pick<CommitJob, 'layer'>>

/** Keeps the writable layer of a container that rests by a commit, whose temporary name is returned, unless nothing is in it. */
export async function commitChanges(job: ChangesJob): Promise<string | undefined> {
  return (await commitUnlessEmpty(job))?.ref
}

/**
 * An engine that tells of no changes is believed when the layer's directory is seen to be empty; else the commit shows it: `isUntold`
 * when only what is in it can.
 */
async function commitUnlessEmpty(job: ChangesJob): Promise<{ readonly ref: string; readonly isUntold: boolean } | undefined> {
  const { engine, container, layer, signal } = job
  const isUntold = !(await hasChanges(job))
  if (isUntold && (await layer?.isEmpty(container.Mounts.map(({ Destination }) => Destination), signal)) === true) return undefined
  const ref = await commit({ ...job, wishes: noWishes }, 'plain')
  if (!isUntold || !(await isLikeItsImage(job, ref))) return { ref, isUntold }
  await engine.images.remove(ref)
  return undefined
}

/** Whether a commit has no layer more than the image that the container was made from. */
async function isLikeItsImage({ engine, container, signal }: ChangesJob, ref: string): Promise<boolean> {
  const [made, original] = await Promise.all([ref, container.Image].map(async image => (await engine.images.inspect(image, { signal })).RootFS.Layers ?? []))
  return made?.length === original?.length
}

/** Whether the engine tells of anything that the container did to its root file system. */
export async function hasChanges({ engine, container, signal }: Pick<ChangesJob, 'engine' | 'container' | 'signal'>): Promise<boolean> {
  return !(await engine.containers.changes(container.Id, { signal })).every(change => isMountPoint(container, change))
}

/** One of an earlier attempt would stay without a name. */
async function commit({ run, engine, container, wishes, signal }: ChangesJob & Pick<CommitJob, 'wishes'>, which: 'plain' | 'changed'): Promise<string> {
  const ref = commitName(run, container, which)
  await engine.images.remove(ref)
  const request: CommitRequest = { container: container.Id, ...splitReference(ref), pause: false, changes: wishes.changes, ...(wishes.author === undefined ? {} : { author: wishes.author }), comment: wishes.message ?? writableLayerComment }
  await engine.containers.commit(request)
  signal.throwIfAborted()
  return ref
}

/** A directory that the engine made to mount something on, and makes again: nothing that the container did is in it. */
function isMountPoint({ Mounts }: ContainerInspect, { Kind, Path }: { readonly Kind: number; readonly Path: string }): boolean {
  return Kind === added && Mounts.some(({ Destination }) => Destination === Path)
}

const added = 1

async function storedBefore({ base, container, images }: CommitJob, fingerprint: string): Promise<{ descriptor: Descriptor; facts: StoredImageFacts } | undefined> {
  const known = base?.spec.writableLayer
  const facts = base?.spec.images.find(({ role }) => role === 'commit')
  const descriptor = base?.images.find(({ digest }) => digest === facts?.digest)
  if (known?.container !== container.Id || known.fingerprint !== fingerprint || facts === undefined || descriptor === undefined) return undefined
  return (await images.isComplete(descriptor)) ? { descriptor, facts } : undefined
}

/** The committed image into the repository. A plain one that cannot be saved whole is replaced by a flattened one. */
export async function storeCommit(source: ImageSource, ref: string, container: ContainerInspect, names: readonly string[], role: 'commit' | 'changed' = 'commit'): Promise<CapturedImage> {
  const name = container.Name.slice(1)
  try {
    return toCaptured(await transferring(source, role === 'commit' ? 'writable layer' : 'changed image', job => storeImage(job, ref)), role, names, name)
  } catch (thrown) {
    source.run.signal.throwIfAborted()
    if (!isImageLost(thrown) || role === 'changed') throw thrown
    return await captureFlattened(source, container, (thrown as Error).message, names)
  }
}

/** The whole root file system as one layer: what remains of an image that is gone. */
export async function captureFlattened(source: ImageSource, container: ContainerInspect, because: string, names: readonly string[]): Promise<CapturedImage> {
  return toCaptured(await transferring(source, 'root file system', job => storeFlattened(job, container, because)), 'flattened', names, container.Name.slice(1))
}

/** Shows it as a transfer of this name; sends what a registry lost once more, which only its engine can give again. */
export async function transferring({ run, ...source }: ImageSource, name: string, store: (job: ImageJob) => Promise<ImageReport>): Promise<ImageReport> {
  return await againAfterLostUpload(run, async () => whileTransferring(run.reporter, name, transfer => store({ ...source, transfer, signal: run.signal })))
}

export function toCaptured(report: ImageReport, role: ImageRole | 'image', names: readonly string[], container: string | undefined): CapturedImage {
  const annotations = {
    ...report.descriptor.annotations,
    ...(container === undefined ? {} : { [childAnnotationNames.container]: container }),
    [childAnnotationNames.imageRole]: role,
    [childAnnotationNames.imageNames]: JSON.stringify(names),
  }
  const descriptor = { ...report.descriptor, annotations }
  return { descriptor, report, facts: { role: role === 'image' ? 'original' : role, digest: descriptor.digest, id: report.id, names } }
}
