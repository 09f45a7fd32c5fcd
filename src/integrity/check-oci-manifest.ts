import type { Compression } from '../archive/codec.ts'
import type { Digest } from '../store/oci.ts'
import { compareDigest, parseObject, requireDigest, requireFile, type Checking } from './check-file.ts'
import { checkLayer, diffIdsOf, plainBytesOf, platformOf, type CheckedImage } from './check-image.ts'
import { fieldOf, isList, isObject, textOf, textsOf, type JsonObject } from './json-document.ts'
import type { FileMember } from './member.ts'

const view = 'index.json'
const layerTypes = /^application\/vnd\.(?:oci\.image\.layer|docker\.image\.rootfs)\.(?:(?:non)?distributable\.|foreign\.)?(?:v1\.)?(?:diff\.)?tar/
/** The containerd store unpacks these, and does not look whether something is packed that should be plain. */
const packings: readonly Compression[] = ['none', 'gzip', 'zstd']
const plainTypes = ['application/vnd.oci.image.layer.v1.tar', 'application/vnd.oci.image.layer.nondistributable.v1.tar']

export const blobPath = (digest: Digest): string => `blobs/sha256/${digest.slice('sha256:'.length)}`

/** A manifest, its config and its layers. Undefined when it is no image, such as an attestation, or cannot be read. */
export async function checkOciManifest(checking: Checking, manifest: JsonObject, path: string): Promise<Omit<CheckedImage, 'names'> | undefined> {
  const { findings } = checking
  const configDescriptor = fieldOf(manifest, 'config')
  const layers = fieldOf(manifest, 'layers') ?? []
  if (!isObject(configDescriptor) || !isList(layers) || !layers.every(isObject)) {
    findings.add('json-unreadable', { member: path, view, found: 'it is no manifest: it lacks config or layers' })
    return undefined
  }
  checking.members.prepare(layers.flatMap(layer => blobPathOf(layer)))
  const configDigest = requireDigest(checking, fieldOf(configDescriptor, 'digest'), path, view)
  const configMember = configDigest === undefined ? undefined : await requireBlob(checking, configDescriptor, configDigest)
  const config = configMember !== undefined && isImageConfig(configDescriptor) ? parseObject(checking, configMember, view) : undefined
  // An attestation or an artifact has a config of another kind, or one that lists no layers.
  const hasLayers = layers.some(layer => layerTypes.test(textOf(layer, 'mediaType') ?? ''))
  const isImage = config !== undefined && (hasLayers || (layers.length === 0 && fieldOf(config, 'rootfs') !== undefined))
  const diffIds = isImage ? diffIdsOf(checking, config, configMember?.name ?? path, view) : undefined
  if (diffIds !== undefined && diffIds.length !== layers.length) findings.add('layer-count', { member: path, view, expected: `${diffIds.length} layers`, found: `${layers.length}` })
  let storedBytes = 0
  let plainBytes = 0
  for (const [at, layer] of layers.entries()) {
    const file = await checkLayerBlob(checking, layer, path)
    if (file === undefined) continue
    storedBytes += file.size
    plainBytes += plainBytesOf(file)
    const diffId = diffIds?.[at]
    if (diffId === undefined) continue
    if (isEncrypted(layer)) {
      findings.add('layer-encrypted', { member: file.name, view })
      continue
    }
    checkLayer(checking, file, diffId, view)
    checkLayerType(checking, file, layer)
  }
  if (config === undefined || configDigest === undefined || diffIds === undefined) return undefined
  return { view, config: configDigest, platform: platformOf(config), layers: layers.length, storedBytes, plainBytes }
}

function blobPathOf(descriptor: JsonObject): string[] {
  const digest = textOf(descriptor, 'digest')
  return digest?.startsWith('sha256:') === true ? [blobPath(digest as Digest)] : []
}

async function checkLayerBlob(checking: Checking, layer: JsonObject, manifest: string): Promise<FileMember | undefined> {
  const digest = requireDigest(checking, fieldOf(layer, 'digest'), manifest, view)
  if (digest === undefined) return undefined
  const urls = textsOf(layer, 'urls') ?? []
  if (urls.length > 0 && (await checking.members.find(blobPath(digest))) === undefined) {
    checking.findings.add('foreign-layer', { member: blobPath(digest), view, found: urls.join(', ').slice(0, 500) })
    return undefined
  }
  return await requireBlob(checking, layer, digest)
}

function checkLayerType({ findings }: Checking, { name, content }: FileMember, layer: JsonObject): void {
  const type = textOf(layer, 'mediaType') ?? ''
  if (content.kind !== 'data' || !layerTypes.test(type)) return
  const { compression } = content
  const said: Compression | undefined = plainTypes.includes(type) ? 'none' : /[+.]gzip$/.test(type) ? 'gzip' : /[+.]zstd$/.test(type) ? 'zstd' : undefined
  const found = compression === 'none' ? 'no compression' : compression
  if (!packings.includes(compression) || (said === 'none' && compression !== 'none')) findings.add('type-differs', { member: name, view, expected: type, found })
  else if (said !== undefined && said !== compression) findings.add('type-inexact', { member: name, view, expected: type, found })
}

/** The blob that a descriptor means, compared with its digest and size. */
export async function requireBlob(checking: Checking, descriptor: JsonObject, digest: Digest): Promise<FileMember | undefined> {
  const member = await requireFile(checking, blobPath(digest), view)
  if (member === undefined) return undefined
  compareDigest(checking, member, digest, view)
  const size = fieldOf(descriptor, 'size')
  if (size !== member.size) checking.findings.add('size-mismatch', { member: member.name, view, expected: JSON.stringify(size ?? null).slice(0, 100), found: `${member.size}` })
  return member
}

function isEncrypted(layer: JsonObject): boolean {
  return /^application\/.*\+encrypted$/.test(textOf(layer, 'mediaType') ?? '')
}

function isImageConfig(descriptor: JsonObject): boolean {
  return /^application\/vnd\.(?:oci\.image\.config\.v1|docker\.container\.image\.v1)\+json$/.test(textOf(descriptor, 'mediaType') ?? '')
}
