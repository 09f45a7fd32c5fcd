import { unlessLost } from '../errors/unless-damaged.ts'
import { readBackup, readContainerSpec, readMount, type BackupContents } from '../store/backup-graph.ts'
import { childAnnotationNames as child } from '../store/backup-summary.ts'
import type { BlobReader } from '../store/blob-reader.ts'
import type { ChunkSource } from '../store/content-reader.ts'
import { readManifest } from '../store/documents.ts'
import type { MountContent, MountDescription } from '../store/mount-manifest.ts'
import type { Descriptor, Digest } from '../store/oci.ts'
import { markedEntries } from './marked-entries.ts'

/** One thing of a backup that is not whole. */
export type Loss = {
  readonly what: 'backup' | 'container' | 'image' | 'mount'
  /** The container's, image's or mount's; of the whole backup its id. */
  readonly name: string
  /** What is lost of it, in words. */
  readonly lost: string
  /** The paths in a mount that are lost: the first thousand. */
  readonly paths?: readonly string[]
  readonly pathCount?: number
}

export type LossJob = {
  readonly blobs: BlobReader
  readonly source: ChunkSource
  readonly isBad: (digest: Digest) => boolean
  /** What a deep check has found in a mount besides, by the mount's id. */
  readonly wrongIn: (mount: string) => readonly string[]
}

const mostPaths = 1000

/** What bad blobs cost a backup: nothing, or a list with every name. Reads the tables of contents of the mounts that are hurt. */
export async function findLosses(job: LossJob, id: string, listed: Descriptor): Promise<Loss[]> {
  if (job.isBad(listed.digest)) return [{ what: 'backup', name: id, lost: 'its index: what it held cannot be found any more' }]
  const contents = await unlessLost(readBackup(job.blobs, listed))
  if (contents === undefined) return [{ what: 'backup', name: id, lost: 'its index is not one' }]
  const losses: Loss[] = []
  for (const { name, manifest } of contents.containers) {
    if (await isManifestHurt(job, manifest, () => readContainerSpec(job.blobs, { manifest }))) losses.push({ what: 'container', name, lost: 'its spec' })
    else if ((await readManifest(job.blobs, manifest)).layers.some(({ digest }) => job.isBad(digest))) losses.push({ what: 'container', name, lost: 'nothing but the empty layer beside its spec' })
  }
  for (const image of contents.images) losses.push(...(await imageLosses(job, image)))
  for (const mount of contents.mounts) losses.push(...(await mountLosses(job, contents, mount)))
  return losses
}

async function imageLosses({ blobs, isBad }: LossJob, image: Descriptor): Promise<Loss[]> {
  const what = { what: 'image', name: nameOfImage(image) } as const
  const manifest = isBad(image.digest) ? undefined : await unlessLost(readManifest(blobs, image))
  if (manifest === undefined || isBad(manifest.config.digest)) return [{ ...what, lost: 'its manifest or config' }]
  const layers = manifest.layers.filter(({ digest }) => isBad(digest)).length
  return layers === 0 ? [] : [{ ...what, lost: `${layers} of its ${manifest.layers.length} layers` }]
}

export function nameOfImage({ annotations, digest }: Descriptor): string {
  const role = annotations?.[child.imageRole]
  const names: unknown = JSON.parse(annotations?.[child.imageNames] ?? '[]')
  const name = Array.isArray(names) && typeof names[0] === 'string' ? names[0] : digest.slice(0, 19)
  return role === 'commit' ? 'writable layer' : name
}

async function mountLosses(job: LossJob, contents: BackupContents, { id, parts }: BackupContents['mounts'][number]): Promise<Loss[]> {
  const hurt = await Promise.all(parts.map(async part => await isManifestHurt(job, part)))
  const mount = hurt.includes(true) ? undefined : await unlessLost(readMount(job.blobs, { parts }))
  if (mount === undefined) return [{ what: 'mount', name: await nameBySpec(job, contents, id), lost: 'the list of its chunks: all of its data' }]
  const name = nameOfMount(mount.description)
  const wrong = job.wrongIn(id)
  const losses: Loss[] = wrong.length === 0 ? [] : [{ what: 'mount', name, lost: 'entries that are not as they should be', paths: wrong, pathCount: wrong.length }]
  return [...losses, ...(await contentLosses(job, name, mount.content))]
}

async function contentLosses({ source, isBad }: LossJob, name: string, content: MountContent): Promise<Loss[]> {
  const isHurt = (chunk: { readonly digest: Digest }): boolean => isBad(chunk.digest)
  if (!content.chunks.some(isHurt) && !content.toc.chunks.some(isHurt)) return []
  const losses: Loss[] = []
  const [lost, bare] = [new Paths(), new Paths()]
  for await (const marked of markedEntries(source, content, isHurt)) {
    if ('unknown' in marked) {
      const which = `${marked.unknown} entries from "${marked.first.toString()}" on`
      losses.push({ what: 'mount', name, lost: marked.areWhole ? `the names of ${which}, not their data` : `${which}: their names, and the data of some` })
    } else if (marked.left !== 'whole') {
      (marked.left === 'lost' ? lost : bare).add(marked.entry.path)
    }
  }
  if (lost.count > 0) losses.push({ what: 'mount', name, lost: 'files and other entries', ...lost.toJson() })
  if (bare.count > 0) losses.push({ what: 'mount', name, lost: 'extended attributes and ACLs of entries that are there', ...bare.toJson() })
  if (losses.length === 0) losses.push({ what: 'mount', name, lost: 'nothing but the end of its tar' })
  return losses
}

class Paths {
  count = 0
  readonly #first: string[] = []

  add(path: Buffer): void {
    this.count++
    if (this.#first.length < mostPaths) this.#first.push(path.toString())
  }

  toJson(): { readonly paths: readonly string[]; readonly pathCount: number } {
    return { paths: this.#first, pathCount: this.count }
  }
}

export function nameOfMount(description: MountDescription): string {
  const { id, label, source, name } = description
  return [label, source, name].find((each): each is string => typeof each === 'string' && each !== '') ?? id
}

/** Of a mount whose own description is lost: where a container had it. */
async function nameBySpec({ blobs }: LossJob, { containers }: BackupContents, id: string): Promise<string> {
  for (const { name, manifest } of containers) {
    const mounts = (await unlessLost(readContainerSpec(blobs, { manifest })))?.['mounts']
    const mount = (Array.isArray(mounts) ? (mounts as { id?: unknown; destinations?: unknown }[]) : []).find(each => each.id === id)
    if (Array.isArray(mount?.destinations) && mount.destinations.length > 0) return `${mount.destinations.join(', ')} of ${name}`
  }
  return id
}

/** Whether a manifest with its config is lost. */
async function isManifestHurt({ blobs, isBad }: LossJob, descriptor: Descriptor, read: () => Promise<unknown> = () => Promise.resolve({})): Promise<boolean> {
  const manifest = isBad(descriptor.digest) ? undefined : await unlessLost(readManifest(blobs, descriptor))
  return manifest === undefined || isBad(manifest.config.digest) || (await unlessLost(read())) === undefined
}
