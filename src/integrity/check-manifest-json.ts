import { isTaggedName } from '../engine/image-reference.ts'
import { isDigest } from '../store/digest.ts'
import type { Digest } from '../store/oci.ts'
import { compareDigest, parseDocument, parseObject, requireFile, type Checking } from './check-file.ts'
import { checkLayer, diffIdsOf, plainBytesOf, platformOf, type CheckedImage } from './check-image.ts'
import { fieldOf, isObject, textOf, textsOf, type JsonObject } from './json-document.ts'
import { cleanPath, type FileMember } from './member.ts'

const view = 'manifest.json'
const emptyDigest: Digest = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
/** Two zero blocks: a tar with nothing in it, which builders name by an empty path. */
const emptyTarDigest: Digest = 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef'

/** The images that classic engines load. */
export async function checkManifestJson(checking: Checking): Promise<CheckedImage[]> {
  const { findings } = checking
  const member = await requireFile(checking, view, view)
  const items = member === undefined ? undefined : parseDocument(checking, member, view)
  if (items === undefined) return []
  if (!Array.isArray(items) || items.length === 0 || !items.every(isObject)) {
    findings.add('json-unreadable', { member: view, view, found: 'it is not a list of images' })
    return []
  }
  const images: CheckedImage[] = []
  for (const item of items as readonly JsonObject[]) {
    const image = await checkItem(checking, item)
    if (image !== undefined) images.push(image)
  }
  return images
}

async function checkItem(checking: Checking, item: JsonObject): Promise<CheckedImage | undefined> {
  const { findings } = checking
  const path = textOf(item, 'Config')
  const layers = textsOf(item, 'Layers')
  if (path === undefined || path === '' || layers === undefined) {
    findings.add('json-unreadable', { member: view, view, found: path === undefined || path === '' ? 'an image has no config' : 'its layers are no list of paths' })
    return undefined
  }
  checking.members.prepare(layers)
  const member = await requireFile(checking, path, view)
  const config = member === undefined ? undefined : parseObject(checking, member, view)
  if (member === undefined || config === undefined) {
    for (const layer of layers) if (layer !== '') await requireFile(checking, layer, view)
    return undefined
  }
  const named = digestInName(path)
  if (named !== undefined) compareDigest(checking, member, named, view)
  const diffIds = diffIdsOf(checking, config, path, view)
  if (diffIds !== undefined && diffIds.length !== layers.length) findings.add('layer-count', { member: path, view, expected: `${diffIds.length} layers`, found: `${layers.length}` })
  let storedBytes = 0
  let plainBytes = 0
  for (const [at, layer] of layers.entries()) {
    const diffId = diffIds?.[at]
    if (layer === '' && (diffId === emptyDigest || diffId === emptyTarDigest)) continue
    const file = await requireFile(checking, layer, view)
    if (file === undefined) continue
    storedBytes += file.size
    plainBytes += plainBytesOf(file)
    compareName(checking, file, layer)
    if (diffId !== undefined) checkLayer(checking, file, diffId, view)
  }
  const tags = fieldOf(item, 'RepoTags')
  const names = namesOf(checking, item)
  return { view, config: member.digest, names, ...(tags !== undefined && names.length === 0 ? { isNameless: true } : {}), platform: platformOf(config), layers: layers.length, storedBytes, plainBytes }
}

/** A load ends at the first name that the engine does not take. */
function namesOf({ findings }: Checking, item: JsonObject): readonly string[] {
  const names = textsOf(item, 'RepoTags')
  if (names === undefined) findings.add('json-unreadable', { member: view, view, found: 'its names are no list of texts' })
  for (const name of names ?? []) if (!isTaggedName(name)) findings.add('name-invalid', { member: view, view, found: JSON.stringify(name).slice(0, 100) })
  return names ?? []
}

/** `<64 hex>.json`, `sha256:<hex>`, `blobs/sha256/<hex>`, `<hex>.tar.gz` say what is in them; `<v1id>/layer.tar` does not. */
function digestInName(path: string): Digest | undefined {
  const name = (cleanPath(path) ?? '').split('/').at(-1) ?? ''
  const hex = /^(?:sha256:)?([0-9a-f]{64})(?:\.json|\.tar|\.tar\.gz)?$/.exec(name)?.[1]
  const digest = `sha256:${hex ?? ''}`
  return hex !== undefined && isDigest(digest) ? digest : undefined
}

/** `<hex>.tar` is named after what it unpacks to. */
function compareName(checking: Checking, file: FileMember, path: string): void {
  const named = digestInName(path)
  const isPlainName = path.endsWith('.tar') && file.content.kind === 'data' && file.content.plainDigest === named
  if (named !== undefined && !isPlainName) compareDigest(checking, file, named, view)
}
