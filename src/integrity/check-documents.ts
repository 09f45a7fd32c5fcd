/** Reads the indexes, manifests and configs of backups, and learns from them which blobs there have to be. */
import { DrayError, messageOf } from '../errors/dray-error.ts'
import { childAnnotationNames as child } from '../store/backup-summary.ts'
import { indexTypes, manifestTypes, mostConfigBytes, readConfig, readIndex, readManifest } from '../store/documents.ts'
import { readMountPart } from '../store/mount-manifest.ts'
import { mediaTypes, type Descriptor, type Digest, type Index, type Manifest } from '../store/oci.ts'
import { readImage } from '../store/stored-image.ts'
import type { CheckingBlobs } from './checking-blobs.ts'
import { listDifference } from './list-difference.ts'
import { checkMountParts, factsOfPart, type PartFacts } from './check-mount-parts.ts'

type Config = Record<string, unknown>

export class DocumentCheck {
  readonly #checking: CheckingBlobs
  readonly #signal: AbortSignal
  readonly #parts = new Map<Digest, PartFacts | undefined>()
  readonly #images = new Set<Digest>()

  constructor(checking: CheckingBlobs, signal: AbortSignal) {
    this.#checking = checking
    this.#signal = signal
  }

  /** A backup that stands on the list, with everything that its documents say. */
  async checkBackup(id: string, listed: Descriptor): Promise<void> {
    const { findings } = this.#checking
    const index = await this.#index(listed)
    if (index === undefined) return
    if (index.artifactType !== mediaTypes.backup) findings.add('document-broken', { member: listed.digest, found: 'it is not a backup\'s index' })
    const difference = listDifference(index.annotations, listed.annotations)
    if (difference !== undefined) findings.add('list-differs', { member: id, ...difference })
    const of = (type: string | undefined) => index.manifests.filter(({ artifactType }) => artifactType === type)
    for (const image of of(undefined)) await this.#image(image)
    for (const container of of(mediaTypes.container)) await this.#container(id, container, index)
    const mounts = new Map<string, (PartFacts | undefined)[]>()
    for (const part of of(mediaTypes.mount)) {
      const mount = part.annotations?.[child.mount] ?? ''
      mounts.set(mount, [...(mounts.get(mount) ?? []), await this.#part(part)])
    }
    for (const [mount, parts] of mounts) for (const found of checkMountParts(mount, parts)) findings.add('mount-inconsistent', { member: `${id}/${mount}`, found })
    const known: (string | undefined)[] = [undefined, mediaTypes.container, mediaTypes.mount]
    for (const other of index.manifests.filter(({ artifactType }) => !known.includes(artifactType))) await this.checkForeign(other)
  }

  /** What another program put into index.json. */
  async checkForeign(descriptor: Descriptor): Promise<void> {
    if (this.#checking.table.get(descriptor.digest) !== undefined) return
    if (indexTypes.includes(descriptor.mediaType)) {
      for (const each of (await this.#index(descriptor))?.manifests ?? []) await this.checkForeign(each)
    } else if (manifestTypes.includes(descriptor.mediaType)) {
      const manifest = await this.#manifest(descriptor)
      for (const blob of manifest === undefined ? [] : [manifest.config, ...manifest.layers]) this.#checking.refer(blob, 'layer', descriptor.digest)
    } else {
      this.#checking.refer(descriptor, 'layer', 'index.json')
    }
  }

  async #image(descriptor: Descriptor): Promise<void> {
    if (this.#images.has(descriptor.digest)) return
    this.#images.add(descriptor.digest)
    const manifest = await this.#manifest(descriptor)
    if (manifest === undefined) return
    for (const layer of manifest.layers) this.#checking.refer(layer, 'layer', descriptor.digest)
    await this.#document(manifest.config, descriptor.digest, blobs => readImage(blobs, descriptor))
  }

  async #container(id: string, descriptor: Descriptor, index: Index): Promise<void> {
    const { blobs, findings } = this.#checking
    const manifest = await this.#manifest(descriptor)
    for (const layer of manifest?.layers ?? []) await this.#document(layer, descriptor.digest, () => Promise.resolve({}))
    const spec = manifest && (await this.#document(manifest.config, descriptor.digest, () => readConfig(blobs, manifest.config)))
    if (spec === undefined) return
    const name = descriptor.annotations?.[child.container] ?? ''
    if (typeof spec['format'] === 'number' && spec['format'] > 1) {
      findings.add('spec-newer', { member: `${id}/${name}`, found: String(spec['format']) })
      return
    }
    for (const image of listIn(spec, 'images')) if (!index.manifests.some(({ digest }) => digest === image['digest'])) findings.add('reference-missing', { member: `${id}/${name}`, found: `image "${String(image['digest'])}"` })
    for (const mount of listIn(spec, 'mounts')) if (!index.manifests.some(({ annotations }) => annotations?.[child.mount] === mount['id'])) findings.add('reference-missing', { member: `${id}/${name}`, found: `mount "${String(mount['id'])}"` })
  }

  async #part(descriptor: Descriptor): Promise<PartFacts | undefined> {
    if (this.#parts.has(descriptor.digest)) return this.#parts.get(descriptor.digest)
    const manifest = await this.#manifest(descriptor)
    const part = manifest && (await this.#document(manifest.config, descriptor.digest, blobs => readMountPart(blobs, descriptor)))
    if (manifest !== undefined && part === undefined) this.#referToLayers(manifest, descriptor.digest)
    for (const chunk of part?.content.chunks ?? []) this.#checking.refer(chunk, 'chunk', descriptor.digest)
    for (const chunk of part?.content.toc.chunks ?? []) this.#checking.refer(chunk, 'toc', descriptor.digest)
    if (part?.content.chunks.length === 0 && part.content.toc.chunks.length === 0 && manifest !== undefined) this.#referToLayers(manifest, descriptor.digest)
    const facts = part && factsOfPart(part)
    this.#parts.set(descriptor.digest, facts)
    return facts
  }

  #referToLayers({ layers }: Manifest, by: string): void {
    for (const layer of layers) this.#checking.refer(layer, 'chunk', by)
  }

  #index(descriptor: Descriptor): Promise<Index | undefined> {
    return this.#document(descriptor, 'index.json', blobs => readIndex(blobs, descriptor))
  }

  #manifest(descriptor: Descriptor): Promise<Manifest | undefined> {
    return this.#document(descriptor, descriptor.digest, blobs => readManifest(blobs, descriptor))
  }

  /** The document, read and parsed; undefined, with a finding, when that cannot be. */
  async #document<T extends object>(descriptor: Descriptor, by: string, parse: (blobs: CheckingBlobs['blobs']) => Promise<T>): Promise<T | undefined> {
    this.#signal.throwIfAborted()
    this.#checking.refer(descriptor, 'document', by)
    if (!(await this.#checking.isSound(descriptor, 'read'))) return undefined
    try {
      if (descriptor.size > mostConfigBytes) throw new DrayError('damaged', `${descriptor.size} bytes are more than any document has`)
      return await parse(this.#checking.blobs)
    } catch (thrown) {
      if (!(thrown instanceof DrayError) || thrown.code !== 'damaged') throw thrown
      await this.#checking.condemn(descriptor.digest, 'document-broken', undefined, messageOf(thrown), { aside: false })
      return undefined
    }
  }
}

function listIn(spec: Config, key: string): readonly Config[] {
  const list = spec[key]
  return Array.isArray(list) ? (list as unknown[]).filter((each): each is Config => typeof each === 'object' && each !== null) : []
}
