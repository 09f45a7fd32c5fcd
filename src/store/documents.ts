import { DrayError } from '../errors/dray-error.ts'
import type { BlobReader } from './blob-reader.ts'
import { isDigest } from './digest.ts'
import { mediaTypes, type Descriptor, type Index, type Manifest } from './oci.ts'

/** What registries take (ENGINE-FACTS 6: 4,194,103 bytes pass). Our own manifests stay below; other programs' may not be longer either. */
export const mostManifestBytes = 4 * 1024 * 1024
/** Configs: a spec, a description with its chunk list, an image's config. */
export const mostConfigBytes = 32 * 1024 * 1024

export const indexTypes: readonly string[] = [mediaTypes.index, 'application/vnd.docker.distribution.manifest.list.v2+json']
export const manifestTypes: readonly string[] = [mediaTypes.manifest, 'application/vnd.docker.distribution.manifest.v2+json']

export async function readIndex(blobs: BlobReader, { digest }: Pick<Descriptor, 'digest'>): Promise<Index> {
  return parseIndex(await blobs.read(digest, { maxBytes: mostManifestBytes, isManifest: true }), `blob "${digest}"`)
}

export async function readManifest(blobs: BlobReader, { digest }: Pick<Descriptor, 'digest'>): Promise<Manifest> {
  return parseManifest(await blobs.read(digest, { maxBytes: mostManifestBytes, isManifest: true }), `blob "${digest}"`)
}

export async function readConfig(blobs: BlobReader, { digest }: Pick<Descriptor, 'digest'>): Promise<Record<string, unknown>> {
  return parseObject(await blobs.read(digest, { maxBytes: mostConfigBytes }), `blob "${digest}"`)
}

/** `what` names the document in the error: `damaged` when it is not an index with sound descriptors. */
export function parseIndex(bytes: Buffer, what: string): Index {
  const index = parseObject(bytes, what)
  if (index['schemaVersion'] !== 2 || !Array.isArray(index['manifests']) || !index['manifests'].every(isDescriptor)) throw notA(what, 'an OCI index')
  return { mediaType: mediaTypes.index, ...index } as unknown as Index
}

export function parseManifest(bytes: Buffer, what: string): Manifest {
  const manifest = parseObject(bytes, what)
  const sound = manifest['schemaVersion'] === 2 && isDescriptor(manifest['config']) && Array.isArray(manifest['layers']) && manifest['layers'].every(isDescriptor)
  if (!sound) throw notA(what, 'an OCI manifest')
  return { mediaType: mediaTypes.manifest, ...manifest } as unknown as Manifest
}

export function parseObject(bytes: Buffer, what: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw new DrayError('damaged', `${what} is not JSON`, { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw notA(what, 'a JSON object')
  return value as Record<string, unknown>
}

export function notA(what: string, kind: string): DrayError {
  return new DrayError('damaged', `${what} is not ${kind}`)
}

function isDescriptor(value: unknown): value is Descriptor {
  if (typeof value !== 'object' || value === null) return false
  const { mediaType, digest, size } = value as Partial<Record<keyof Descriptor, unknown>>
  return typeof mediaType === 'string' && isDigest(digest) && typeof size === 'number' && Number.isSafeInteger(size) && size >= 0
}
