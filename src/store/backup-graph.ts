import { assertHeld, type OwnerLock } from '../files/owner-lock.ts'
import { DrayError } from '../errors/dray-error.ts'
import type { BlobReader } from './blob-reader.ts'
import type { Blobs } from './blobs.ts'
import { childAnnotationNames as child, isBackupId, toAnnotations, type BackupFacts, type BackupSummary } from './backup-summary.ts'
import { bytesOf } from './chunk-ref.ts'
import { digestOf } from './digest.ts'
import { mostManifestBytes, notA, readConfig, readIndex, readManifest } from './documents.ts'
import { readMountContent, toMountParts, type MountContent, type MountDescription } from './mount-manifest.ts'
import { emptyConfig, mediaTypes, type Descriptor, type Digest, type Index, type Manifest } from './oci.ts'
import { reachableFrom } from './reachable.ts'
import type { Repository } from './repository.ts'

export type NewBackup = Omit<BackupFacts, 'containers' | 'bytes' | 'lacks'> & Partial<Pick<BackupFacts, 'lacks'>> & {
  /** Image manifests in the repository (putImage), with their platforms; the first is what other tools take. */
  readonly images: readonly Descriptor[]
  /** The spec is kept as it is given. */
  readonly containers: readonly { readonly name: string; readonly spec: object }[]
  readonly mounts: readonly { readonly description: MountDescription; readonly content: MountContent }[]
}

export type BackupContents = {
  readonly images: readonly Descriptor[]
  readonly containers: readonly { readonly name: string; readonly manifest: Descriptor }[]
  /** The parts of each mount: readMount() puts them together. */
  readonly mounts: readonly { readonly id: string; readonly parts: readonly Descriptor[] }[]
}

/** Neither runnable nor chosen by any tool that looks for an image. */
const noPlatform = { os: 'unknown', architecture: 'unknown' }

/**
 * Writes the backup's manifests and lists it: before, everything it refers to is on disk, looked up and touched; a blob that
 * is missing throws BlobsGone (`damaged`) and nothing is listed. `lock` is the one under which the blobs were stored.
 */
export async function addBackup(repository: Repository, backup: NewBackup, lock: OwnerLock): Promise<BackupSummary> {
  if (!isBackupId(backup.id)) throw new DrayError('usage', `"${backup.id}" cannot be the id of a backup`, { hints: ['up to 128 letters, digits, ".", "_" and "-", not beginning with "." or "-"'] })
  const { blobs } = repository
  const containers = await Promise.all(backup.containers.map(container => putContainer(blobs, container)))
  const mounts: Descriptor[] = []
  for (const { description, content } of backup.mounts) mounts.push(...(await putMount(blobs, description, content)))
  const facts: BackupFacts = { lacks: [], ...backup, containers: backup.containers.map(({ name }) => name), bytes: await countBytes(blobs, backup) }
  const annotations = toAnnotations(facts)
  const children = [...backup.images, ...containers, ...mounts]
  await blobs.flush()
  await checkComplete(blobs, children, backup.id)
  await assertHeld(lock, `the repository "${repository.path}"`, `run the same command again: what was stored is still there, backup "${backup.id}" is not listed`)
  const index = toBytes({ schemaVersion: 2, mediaType: mediaTypes.index, artifactType: mediaTypes.backup, manifests: children, annotations })
  const descriptor: Descriptor = { mediaType: mediaTypes.index, digest: digestOf(index), size: index.length, artifactType: mediaTypes.backup, annotations }
  const { id, created, host, engine, run, project, origin, volumes, tags } = backup
  if (!(await repository.list([{ descriptor, index }]))) throw new DrayError('conflict', `a backup "${id}" exists already in "${repository.path}"`)
  return { id, created, host, engine, run, ...(project === undefined ? {} : { project }), ...(origin === undefined ? {} : { origin }), containers: facts.containers, ...(volumes === undefined ? {} : { volumes }), tags, bytes: facts.bytes, lacks: facts.lacks, descriptor }
}

/** Touches every blob below these, themselves included, and returns those that are missing or have another size. Throws `damaged` for a broken document. */
export async function missingBlobs(blobs: Blobs, roots: readonly Descriptor[]): Promise<Digest[]> {
  const missing: Digest[] = []
  let batch: Descriptor[] = []
  for await (const descriptor of reachableFrom(blobs, roots)) {
    batch.push(descriptor)
    if (batch.length < 4096) continue
    missing.push(...(await blobs.touch(batch)))
    batch = []
  }
  return [...missing, ...(await blobs.touch(batch))]
}

/** For messages. */
export function sayMissing(missing: readonly Digest[]): string {
  return `${missing.length === 1 ? 'a blob is missing,' : `${missing.length} of its blobs are missing, first`} "${missing[0] ?? ''}"`
}

/** What a backup consists of, from any place that has its blobs. */
export async function readBackup(blobs: BlobReader, descriptor: Pick<Descriptor, 'digest'>): Promise<BackupContents> {
  const index = await readIndex(blobs, descriptor)
  if (index.artifactType !== mediaTypes.backup) throw notA(`"${descriptor.digest}"`, 'a backup')
  const mounts = new Map<string, Descriptor[]>()
  for (const part of index.manifests.filter(({ artifactType }) => artifactType === mediaTypes.mount)) {
    const id = part.annotations?.[child.mount] ?? ''
    mounts.set(id, [...(mounts.get(id) ?? []), part])
  }
  return {
    images: index.manifests.filter(({ artifactType, platform }) => artifactType === undefined && platform?.os !== noPlatform.os),
    containers: index.manifests.filter(({ artifactType }) => artifactType === mediaTypes.container).map(manifest => ({ name: manifest.annotations?.[child.container] ?? '', manifest })),
    mounts: [...mounts].map(([id, parts]) => ({ id, parts })),
  }
}

/** A container's spec as addBackup got it. */
export async function readContainerSpec(blobs: BlobReader, { manifest }: { readonly manifest: Descriptor }): Promise<Record<string, unknown>> {
  return readConfig(blobs, (await readManifest(blobs, manifest)).config)
}

export async function readMount(blobs: BlobReader, { parts }: { readonly parts: readonly Descriptor[] }): Promise<{ readonly description: MountDescription; readonly content: MountContent }> {
  return readMountContent(blobs, parts)
}

async function putContainer(blobs: Blobs, { name, spec }: NewBackup['containers'][number]): Promise<Descriptor> {
  const config = await blobs.put(Buffer.from(JSON.stringify(spec)), mediaTypes.containerConfig)
  const manifest = await putManifest(blobs, mediaTypes.container, config, [])
  return { ...manifest, artifactType: mediaTypes.container, platform: noPlatform, annotations: { [child.container]: name } }
}

async function putMount(blobs: Blobs, description: MountDescription, content: MountContent): Promise<Descriptor[]> {
  const parts = toMountParts(description, content)
  return Promise.all(parts.map(async ({ config, layers }, at) => {
    const manifest = await putManifest(blobs, mediaTypes.mount, await blobs.put(config, mediaTypes.mountConfig), layers)
    return { ...manifest, artifactType: mediaTypes.mount, platform: noPlatform, annotations: { [child.mount]: description.id, [child.part]: `${at + 1}/${parts.length}` } }
  }))
}

/** The OCI specification asks for at least one layer: where there is none it is the empty object. */
async function putManifest(blobs: Blobs, artifactType: string, config: Descriptor, layers: readonly Descriptor[]): Promise<Descriptor> {
  const filled = layers.length > 0 ? layers : [await blobs.put(Buffer.from(emptyConfig), mediaTypes.empty)]
  return putDocument(blobs, { schemaVersion: 2, mediaType: mediaTypes.manifest, artifactType, config, layers: filled })
}

async function putDocument(blobs: Blobs, document: Manifest): Promise<Descriptor> {
  return blobs.put(toBytes(document), document.mediaType)
}

function toBytes(document: Manifest | Index): Buffer {
  const bytes = Buffer.from(JSON.stringify(document))
  if (bytes.length > mostManifestBytes) throw new DrayError('refused', `a manifest of ${bytes.length} bytes is more than registries take`, { hints: ['back up fewer containers at once'] })
  return bytes
}

async function countBytes(blobs: BlobReader, { images, mounts }: NewBackup): Promise<number> {
  let bytes = mounts.reduce((sum, { content }) => sum + bytesOf(content.chunks), 0)
  const layers = new Map<Digest, number>()
  for (const image of images) for (const { digest, size } of (await readManifest(blobs, image)).layers) layers.set(digest, size)
  for (const size of layers.values()) bytes += size
  return bytes
}

/** Blobs that a backup counted as present are gone at its end: a check has found them bad, and moved them aside. */
export class BlobsGone extends DrayError {}

/** Throws BlobsGone unless everything below these is there; touches it. */
export async function checkComplete(blobs: Blobs, children: readonly Descriptor[], id: string): Promise<void> {
  const missing = await missingBlobs(blobs, children)
  if (missing.length === 0) return
  throw new BlobsGone('damaged', `backup "${id}" was not kept: ${sayMissing(missing)}`, { hints: ['run the same command again: it stores what is missing'] })
}
