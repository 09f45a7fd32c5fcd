import { familiarName, fullName } from '../../engine/image-reference.ts'
import { readBackup } from '../../store/backup-graph.ts'
import { childAnnotationNames as child, type BackupSummary } from '../../store/backup-summary.ts'
import type { BlobReader } from '../../store/blob-reader.ts'
import { containerdNameKey, mediaTypes, type Descriptor } from '../../store/oci.ts'
import { readImage, type StoredImage } from '../../store/stored-image.ts'

/** What an image of a backup is to it. */
export type ImageUse = { readonly backup: string; readonly role: string; readonly container?: string }

/** An image of an exported file, under the names that docker load gives it: at least one. */
export type ExportedImage = { readonly descriptor: Descriptor; readonly stored: StoredImage; readonly names: readonly string[]; readonly uses: readonly ImageUse[] }

type Found = { readonly descriptor: Descriptor; readonly stored: StoredImage; readonly names: Set<string>; readonly uses: ImageUse[] }

/**
 * The images of the backups, each once. A name that several of them had goes to the newest one. What has no name of its own, as the
 * commit of a container, is named after container and backup: drayage/web:20260131-040506-1a2b3c.
 */
export async function findExportedImages(blobs: BlobReader, backups: readonly BackupSummary[]): Promise<ExportedImage[]> {
  const found = new Map<string, Found>()
  const taken = new Map<string, string>()
  for (const backup of [...backups].sort((one, other) => (one.created < other.created ? 1 : -1))) {
    const { images } = await readBackup(blobs, backup.descriptor)
    for (const [at, descriptor] of images.entries()) {
      const image = found.get(descriptor.digest) ?? { descriptor, stored: await readImage(blobs, descriptor), names: new Set<string>(), uses: [] }
      found.set(descriptor.digest, image)
      const { annotations = {} } = descriptor
      const role = annotations[child.imageRole] ?? 'image'
      const container = annotations[child.container]
      image.uses.push({ backup: backup.id, role, ...(container === undefined ? {} : { container }) })
      const own = namesIn(annotations[child.imageNames])
      const free = own.filter(name => (taken.get(name) ?? descriptor.digest) === descriptor.digest)
      for (const name of free.length > 0 ? free : [madeName(backup.id, role, container, at)]) {
        taken.set(name, descriptor.digest)
        image.names.add(name)
      }
    }
  }
  return [...found.values()].map(({ descriptor, stored, names, uses }) => ({ descriptor, stored, names: [...names], uses }))
}

/** For engines that read manifest.json: the items have the form that docker save gives them. */
export function toDockerManifest(images: readonly ExportedImage[]): object {
  return images.map(({ stored, names }) => ({ Config: blobPath(stored.manifest.config), RepoTags: names, Layers: stored.layers.map(({ descriptor }) => blobPath(descriptor)) }))
}

/** For engines that read index.json: an entry for each name, by containerd's annotation; and for tools that ask by the short name. */
export function toIndexEntries(images: readonly ExportedImage[]): Descriptor[] {
  return images.flatMap(({ descriptor: { mediaType, digest, size }, stored, names }) => names.map(name => ({
    mediaType, digest, size, platform: stored.platform,
    annotations: { [containerdNameKey]: fullName(name), 'org.opencontainers.image.ref.name': name },
  })))
}

/** Docker before 23.0 takes no such layers. */
export function hasZstdLayers({ stored }: ExportedImage): boolean {
  return stored.layers.some(({ descriptor: { mediaType } }) => mediaType === mediaTypes.layerZstd || mediaType.endsWith('zstd'))
}

export function blobPath({ digest }: Pick<Descriptor, 'digest'>): string {
  return `blobs/sha256/${digest.slice('sha256:'.length)}`
}

function namesIn(text: string | undefined): string[] {
  const value: unknown = JSON.parse(text ?? '[]')
  const names = Array.isArray(value) ? value.filter(each => typeof each === 'string') : []
  return [...new Set(names.filter(name => !name.includes('@') && !name.includes('<none>')).map(familiarName))]
}

/** A container's name may hold what an image's may not: upper case, and dots and dashes side by side. */
function madeName(id: string, role: string, container: string | undefined, at: number): string {
  const path = (container ?? 'image').toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-|-$/g, '') || 'container'
  const suffix = role === 'commit' || role === 'flattened' ? '' : container === undefined ? `-${at + 1}` : `-${role}`
  return `drayage/${path}:${id.slice(0, 128 - suffix.length)}${suffix}`
}
