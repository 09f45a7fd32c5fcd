import type { Digest } from '../store/oci.ts'
import { compareDigest, parseDocument, parseObject, requireDigest, requireFile, type Checking } from './check-file.ts'
import { checkLayer, diffIdsOf, plainBytesOf, platformOf, type CheckedImage } from './check-image.ts'
import { fieldOf, isObject, textOf, textsOf, type JsonObject, type JsonValue } from './json-document.ts'
import type { FileMember } from './member.ts'

const view = 'index.json'
const deepestIndex = 8
const layoutVersion = '1.0.0'
const nameAnnotations = ['io.containerd.image.name', 'org.opencontainers.image.ref.name']
const layerTypes = /^application\/vnd\.(?:oci\.image\.layer|docker\.image\.rootfs)\.(?:(?:non)?distributable\.|foreign\.)?(?:v1\.)?(?:diff\.)?tar/

export const blobPath = (digest: Digest): string => `blobs/sha256/${digest.slice('sha256:'.length)}`

/** The images that engines with the containerd store, and other tools for OCI layouts, load. `isAlone`: there is no manifest.json beside it. */
export async function checkIndexJson(checking: Checking, isAlone: boolean): Promise<CheckedImage[]> {
  const { findings } = checking
  await checkLayoutFile(checking, isAlone)
  const member = await requireFile(checking, view, view)
  if (member === undefined) return []
  const index = parseObject(checking, member, view)
  if (index === undefined) return []
  const manifests = fieldOf(index, 'manifests')
  if (manifests === null || manifests === undefined || (Array.isArray(manifests) && manifests.length === 0)) {
    findings.add('index-empty', { member: view, view })
    return []
  }
  const images: CheckedImage[] = []
  await checkChildren(checking, manifests, view, [], 0, images)
  return images
}

async function checkLayoutFile(checking: Checking, isAlone: boolean): Promise<void> {
  const { findings, members } = checking
  const member = await members.find('oci-layout')
  if (member === undefined && !isAlone) return
  if (member === undefined || 'broken' in member) {
    findings.add('layout-unsupported', { member: 'oci-layout', view, found: member === undefined ? 'it is missing' : member.broken })
    return
  }
  checking.referenced.add('oci-layout')
  const layout = parseDocument(checking, member, view)
  if (layout === undefined) return
  const version = isObject(layout) ? textOf(layout, 'imageLayoutVersion') : undefined
  if (version !== layoutVersion) findings.add('layout-unsupported', { member: 'oci-layout', view, expected: layoutVersion, found: version ?? 'no version' })
}

async function checkChildren(checking: Checking, manifests: JsonValue, parent: string, names: readonly string[], depth: number, images: CheckedImage[]): Promise<void> {
  if (!Array.isArray(manifests) || !manifests.every(isObject)) {
    checking.findings.add('index-unreadable', { member: parent, view, found: 'its manifests are no list of descriptors' })
    return
  }
  if (depth > deepestIndex) {
    checking.findings.add('nested-too-deep', { member: parent, view })
    return
  }
  for (const descriptor of manifests as readonly JsonObject[]) await checkChild(checking, descriptor, parent, names, depth, images)
}

async function checkChild(checking: Checking, descriptor: JsonObject, parent: string, names: readonly string[], depth: number, images: CheckedImage[]): Promise<void> {
  const { findings, members } = checking
  const digest = requireDigest(checking, fieldOf(descriptor, 'digest'), parent, view)
  if (digest === undefined) return
  const path = blobPath(digest)
  // The containerd store saves the index of all platforms, and the manifests of those that were pulled.
  if (depth > 0 && (await members.find(path)) === undefined) {
    findings.add('platform-absent', { member: path, view, ...platformFound(descriptor) })
    return
  }
  const member = await requireBlob(checking, descriptor, digest)
  const document = member === undefined ? undefined : parseObject(checking, member, view)
  if (member === undefined || document === undefined) return
  const ownNames = [...names, ...namesOf(descriptor)]
  const children = fieldOf(document, 'manifests')
  if (children !== undefined) await checkChildren(checking, children, path, ownNames, depth + 1, images)
  else await checkManifest(checking, document, member, ownNames, images)
}

async function checkManifest(checking: Checking, manifest: JsonObject, { name }: FileMember, names: readonly string[], images: CheckedImage[]): Promise<void> {
  const { findings } = checking
  const configDescriptor = fieldOf(manifest, 'config')
  const layers = fieldOf(manifest, 'layers')
  if (!isObject(configDescriptor) || !Array.isArray(layers) || !layers.every(isObject)) {
    findings.add('json-unreadable', { member: name, view, found: 'it is no manifest: it lacks config or layers' })
    return
  }
  const configDigest = requireDigest(checking, fieldOf(configDescriptor, 'digest'), name, view)
  const configMember = configDigest === undefined ? undefined : await requireBlob(checking, configDescriptor, configDigest)
  const config = configMember?.content.kind === 'document' && isImageConfig(configDescriptor) ? parseObject(checking, configMember, view) : undefined
  // An attestation or an artifact has a config of another kind, or one that lists no layers.
  const isImage = config !== undefined && fieldOf(config, 'rootfs') !== undefined && layers.every(layer => layerTypes.test(textOf(layer, 'mediaType') ?? ''))
  const mustBeImage = isImageConfig(configDescriptor) && layers.some(layer => layerTypes.test(textOf(layer, 'mediaType') ?? ''))
  const diffIds = config !== undefined && (isImage || mustBeImage) ? diffIdsOf(checking, config, configMember?.name ?? name, view) : undefined
  if (diffIds !== undefined && diffIds.length !== layers.length) findings.add('layer-count', { member: name, view, expected: `${diffIds.length} layers`, found: `${layers.length}` })
  const files: FileMember[] = []
  for (const [at, layer] of (layers as readonly JsonObject[]).entries()) {
    const file = await checkLayerBlob(checking, layer, name)
    if (file === undefined) continue
    files.push(file)
    const diffId = diffIds?.[at]
    if (diffId !== undefined) checkLayer(checking, file, diffId, view)
  }
  if (config === undefined || configDigest === undefined || diffIds === undefined) return
  const sum = (bytes: (file: FileMember) => number): number => files.reduce((total, file) => total + bytes(file), 0)
  images.push({ view, config: configDigest, names, platform: platformOf(config), layers: layers.length, storedBytes: sum(({ size }) => size), plainBytes: sum(plainBytesOf) })
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

/** The blob that a descriptor means, compared with its digest and size. */
async function requireBlob(checking: Checking, descriptor: JsonObject, digest: Digest): Promise<FileMember | undefined> {
  const member = await requireFile(checking, blobPath(digest), view)
  if (member === undefined) return undefined
  compareDigest(checking, member, digest, view)
  const size = fieldOf(descriptor, 'size')
  if (size !== member.size) checking.findings.add('size-mismatch', { member: member.name, view, expected: JSON.stringify(size ?? null), found: `${member.size}` })
  return member
}

function isImageConfig(descriptor: JsonObject): boolean {
  return /^application\/vnd\.(?:oci\.image\.config\.v1|docker\.container\.image\.v1)\+json$/.test(textOf(descriptor, 'mediaType') ?? '')
}

function namesOf(descriptor: JsonObject): readonly string[] {
  const annotations = fieldOf(descriptor, 'annotations')
  if (!isObject(annotations)) return []
  const name = nameAnnotations.map(key => textOf(annotations, key)).find(each => each !== undefined)
  return name === undefined ? [] : [name]
}

function platformFound(descriptor: JsonObject): { readonly found?: string } {
  const platform = fieldOf(descriptor, 'platform')
  return isObject(platform) ? { found: platformOf(platform) } : {}
}
