/** The images of an OCI image layout in a directory. */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { maxJsonBytes } from '../../archive/image-archive.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { errnoOf, fromSystemError } from '../../errors/system-error.ts'
import { isDigest, hexOf } from '../../store/digest.ts'
import { ofConfig, type InspectedImage } from './inspect-image.ts'

type Described = { readonly mediaType?: string; readonly digest?: string; readonly size?: number; readonly annotations?: Record<string, string> }
type Document = { readonly mediaType?: string; readonly manifests?: readonly Described[]; readonly config?: Described; readonly layers?: readonly Described[] }

const nameAnnotations = ['io.containerd.image.name', 'org.opencontainers.image.ref.name'] as const
const imageConfigs = ['application/vnd.oci.image.config.v1+json', 'application/vnd.docker.container.image.v1+json']
/** Deeper ones are no index of anybody's. */
const mostDepth = 4

/** Hashes are not checked: `dray verify` does that. What is no image (attestations, the mounts of a backup) is passed over. Throws `unverifiable` for a directory that is no layout, `damaged` for what it lacks. */
export async function inspectLayout(directory: string): Promise<InspectedImage[]> {
  const index = (await readDocument(join(directory, 'index.json')).catch((thrown: unknown) => {
    if (errnoOf(thrown) !== 'ENOENT' && errnoOf(thrown) !== 'ENOTDIR') throw thrown
    throw new DrayError('unverifiable', `"${directory}" is no image layout: it has no index.json`, { hints: ['name a directory that skopeo, oras or dray wrote, or a file of docker save'] })
  })) as Document
  return await imagesOf(directory, index, [], new Set(), 0)
}

async function imagesOf(directory: string, { manifests = [] }: Document, names: readonly string[], seen: Set<string>, depth: number): Promise<InspectedImage[]> {
  const images: InspectedImage[] = []
  for (const descriptor of manifests) {
    const { digest } = descriptor
    if (digest === undefined || !isDigest(digest)) throw new DrayError('unverifiable', `"${directory}" names a blob by "${String(digest)}", which is no sha256 digest`, { hints: [`dray verify ${directory}`] })
    if (seen.has(digest)) continue
    seen.add(digest)
    const own = nameAnnotations.flatMap(name => descriptor.annotations?.[name] ?? []).slice(0, 1)
    const document = (await readBlob(directory, digest)) as Document
    if (document.manifests !== undefined && depth < mostDepth) images.push(...(await imagesOf(directory, document, own.length > 0 ? own : names, seen, depth + 1)))
    else if (document.config?.digest !== undefined && imageConfigs.includes(document.config.mediaType ?? '')) images.push(await imageOf(directory, digest, document, own.length > 0 ? own : names))
  }
  return images
}

async function imageOf(directory: string, id: string, { config, layers = [] }: Document, names: readonly string[]): Promise<InspectedImage> {
  const digest = config?.digest
  if (digest === undefined || !isDigest(digest)) throw new DrayError('damaged', `manifest "${id}" names no config`, { hints: [`dray verify ${directory}`] })
  return ofConfig((await readBlob(directory, digest)), id, names, layers.map(({ size = 0 }) => size))
}

async function readBlob(directory: string, digest: `sha256:${string}`): Promise<object> {
  return await readDocument(join(directory, 'blobs', 'sha256', hexOf(digest))).catch((thrown: unknown) => {
    if (errnoOf(thrown) !== 'ENOENT') throw thrown
    throw new DrayError('damaged', `"${directory}" lacks the blob "${digest}"`, { hints: [`dray verify ${directory}`] })
  })
}

async function readDocument(path: string): Promise<object> {
  const { size } = await stat(path)
  if (size > maxJsonBytes) throw new DrayError('unverifiable', `"${path}" is too long for a document: ${size} bytes`)
  const text = await readFile(path, 'utf8').catch((thrown: unknown) => {
    throw fromSystemError(thrown, 'cannot read', path)
  })
  try {
    const value = JSON.parse(text) as unknown
    if (typeof value === 'object' && value !== null) return value
  } catch {
    // said below
  }
  throw new DrayError('damaged', `"${path}" is not a JSON document`)
}
