import { fullName } from '../engine/image-reference.ts'
import { containerdNameKey, mediaTypes, type Digest } from '../store/oci.ts'
import { parseDocument, parseObject, requireDigest, requireFile, type Checking } from './check-file.ts'
import { platformOf, type CheckedImage } from './check-image.ts'
import { blobPath, checkOciManifest, requireBlob } from './check-oci-manifest.ts'
import type { View } from './finding.ts'
import { fieldOf, isList, isObject, textOf, type JsonObject, type JsonValue } from './json-document.ts'

const view = 'index.json'
const deepestIndex = 8
/** Nobody has as many; a few nested indexes can be made to name that many. */
const mostDescriptors = 100_000
const layoutVersion = '1.0.0'
const tagKey = 'org.opencontainers.image.ref.name'

const indexTypes = ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json']
const manifestTypes = ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json']

/** The images that engines with the containerd store, and other tools for OCI layouts, load. `views`: the documents that are there. */
export async function checkIndexJson(checking: Checking, views: readonly View[]): Promise<CheckedImage[]> {
  const { findings } = checking
  await checkLayoutFile(checking, views.length === 1)
  const member = await requireFile(checking, view, view)
  const index = member === undefined ? undefined : parseObject(checking, member, view)
  if (index === undefined) return []
  const version = fieldOf(index, 'schemaVersion')
  if (version !== undefined && version !== 2) findings.add('index-unreadable', { member: view, view, expected: 'schemaVersion 2', found: JSON.stringify(version).slice(0, 100) })
  const manifests = fieldOf(index, 'manifests')
  if (manifests === null || (isList(manifests) && manifests.length === 0)) {
    findings.add('index-empty', { member: view, view })
    return []
  }
  const check = new IndexCheck(checking)
  await check.children(manifests ?? 'none', view, 0, undefined)
  return check.images
}

/** The images that one document leads to, which is an index or a manifest and no part of a layout. */
export async function checkDocument(checking: Checking, document: JsonObject, path: string): Promise<CheckedImage[]> {
  const check = new IndexCheck(checking)
  if (isObsolete(document)) checking.findings.add('manifest-obsolete', { member: path, view })
  else await check.content(document, path, 0, undefined)
  return check.images
}

function isObsolete(document: JsonObject): boolean {
  return fieldOf(document, 'fsLayers') !== undefined
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

type NamedImage = CheckedImage & { readonly names: string[] }

/** Every manifest once, however often it is named. */
class IndexCheck {
  readonly #checking: Checking
  /** Images of each manifest, and of each index with what is in it. */
  readonly #seen = new Map<Digest, readonly NamedImage[]>()
  readonly #said = new Set<string>()
  #descriptors = 0

  constructor(checking: Checking) {
    this.#checking = checking
  }

  readonly images: NamedImage[] = []

  /** `isWhole`: what is named has to be there. */
  async children(manifests: JsonValue, parent: string, depth: number, name: string | undefined, isWhole = depth === 0): Promise<void> {
    const { findings } = this.#checking
    if (!isList(manifests) || !manifests.every(isObject)) {
      findings.add('index-unreadable', { member: parent, view, found: 'its manifests are no list of descriptors' })
      return
    }
    if (depth > deepestIndex) {
      findings.add('nested-too-deep', { member: parent, view })
      return
    }
    let present = 0
    for (const descriptor of manifests) if (await this.#child(descriptor, parent, depth, name, isWhole)) present++
    if (present === 0) findings.add('index-hollow', { member: parent, view })
  }

  /** False when it is not there, as may be. */
  async #child(descriptor: JsonObject, parent: string, depth: number, parentName: string | undefined, isWhole: boolean): Promise<boolean> {
    const { findings, members } = this.#checking
    if (++this.#descriptors > mostDescriptors) {
      findings.add('document-too-large', { member: view, view, found: `it leads to more than ${mostDescriptors} descriptors` })
      return true
    }
    const digest = requireDigest(this.#checking, fieldOf(descriptor, 'digest'), parent, view)
    if (digest === undefined) return true
    // The containerd store saves the index of all platforms, and the manifests of those that were pulled.
    if (!isWhole && (await members.find(blobPath(digest))) === undefined) {
      const platform = fieldOf(descriptor, 'platform')
      findings.add('platform-absent', { member: blobPath(digest), view, ...(isObject(platform) ? { found: platformOf(platform) } : {}) })
      return false
    }
    const name = depth === 0 ? this.#nameOf(descriptor) : parentName
    const begin = this.images.length
    const seen = this.#seen.get(digest)
    if (seen === undefined) this.#seen.set(digest, [])
    const document = this.#isNew(descriptor, digest) ? await this.#document(descriptor, digest) : undefined
    if (seen === undefined && document !== undefined) {
      await this.content(document, blobPath(digest), depth, name)
      this.#seen.set(digest, this.images.slice(begin))
    } else if (name !== undefined) {
      for (const image of seen ?? []) if (!image.names.includes(name)) image.names.push(name)
    }
    if (depth === 0) this.#comparePlatform(descriptor, this.#seen.get(digest) ?? [], parent)
    return true
  }

  /** What an index or a manifest leads to. */
  async content(document: JsonObject, path: string, depth: number, name: string | undefined): Promise<void> {
    const children = fieldOf(document, 'manifests')
    if (children !== undefined) {
      await this.children(children, path, depth + 1, name, textOf(document, 'artifactType') === mediaTypes.backup)
      return
    }
    const image = await checkOciManifest(this.#checking, document, path)
    if (image !== undefined) this.images.push({ ...image, names: name === undefined ? [] : [name] })
  }

  /** Whether nothing was said before of what this says. Reading each of a thousand indexes a thousand times would take hours. */
  #isNew(descriptor: JsonObject, digest: Digest): boolean {
    const said = JSON.stringify([digest, fieldOf(descriptor, 'mediaType') ?? null, fieldOf(descriptor, 'size') ?? null])
    if (this.#said.has(said)) return false
    this.#said.add(said)
    return true
  }

  /** An index or a manifest. Of anything else only the digest is known. */
  async #document(descriptor: JsonObject, digest: Digest): Promise<JsonObject | undefined> {
    const { findings } = this.#checking
    const member = await requireBlob(this.#checking, descriptor, digest)
    const document = member === undefined ? undefined : parseObject(this.#checking, member, view)
    if (member === undefined || document === undefined) return undefined
    const said = textOf(descriptor, 'mediaType')
    const own = textOf(document, 'mediaType')
    const isIndex = fieldOf(document, 'manifests') !== undefined
    const isManifest = fieldOf(document, 'layers') !== undefined || fieldOf(document, 'config') !== undefined
    const isOther = !isIndex && !isManifest && said !== undefined && ![...indexTypes, ...manifestTypes].includes(said)
    const fitting = isIndex ? indexTypes : manifestTypes
    const differs = isIndex && isManifest ? 'an index and a manifest in one' : said === undefined || !fitting.includes(said) || (own !== undefined && own !== said) ? (said ?? 'no type') : undefined
    if (isOther && isObsolete(document)) findings.add('manifest-obsolete', { member: member.name, view })
    if (differs !== undefined && !isOther) findings.add('type-differs', { member: member.name, view, expected: own ?? fitting.join(' or '), found: differs })
    return isOther ? undefined : document
  }

  /** The full name; without one the tag, or whatever a layout calls it. */
  #nameOf(descriptor: JsonObject): string | undefined {
    // a backup has an id, and its images have names of their own
    if (textOf(descriptor, 'artifactType') === mediaTypes.backup) return undefined
    const annotations = fieldOf(descriptor, 'annotations')
    if (!isObject(annotations)) return undefined
    const [full, tag] = [textOf(annotations, containerdNameKey), textOf(annotations, tagKey)]
    if (full !== undefined && tag !== undefined && fullName(full) !== fullName(tag) && !full.endsWith(`:${tag}`)) this.#checking.findings.add('names-differ', { member: view, view, expected: full, found: tag })
    return full ?? tag
  }

  /** Only index.json is under no hash: what is said further down was said when it was made. */
  #comparePlatform(descriptor: JsonObject, images: readonly NamedImage[], parent: string): void {
    const platform = fieldOf(descriptor, 'platform')
    const [image] = images
    if (!isObject(platform) || image === undefined || images.length > 1) return
    const of = (name: string): string => name.split('/').slice(0, 2).join('/')
    if (of(platformOf(platform)) !== of(image.platform)) this.#checking.findings.add('platform-differs', { member: parent, view, expected: image.platform, found: platformOf(platform) })
  }
}
