import { Readable } from 'node:stream'
import { familiarName } from '../../engine/image-reference.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { ImageReport } from '../../integrity/image-report.ts'
import type { Members } from '../../integrity/member.ts'
import { childAnnotationNames } from '../../store/backup-summary.ts'
import { parseManifest } from '../../store/documents.ts'
import { parseImageConfig, type ImageStore } from '../../store/image-store.ts'
import type { Descriptor, Digest, Manifest } from '../../store/oci.ts'
import { keptManifest } from './choose-image.ts'

/** As builders name them without having a file for them: no bytes, and two blocks of zeros. */
const emptyLayers: ReadonlyMap<string, number> = new Map([['sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 0], ['sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef', 1024]])

export type ImportedImage = { readonly descriptor: Descriptor; readonly names: readonly string[]; readonly layers: number }

/** Makes the images of an archive that was found good those of a backup, out of its documents and its layers, which are stored. */
export async function putImportedImages(images: ImageStore, report: ImageReport, members: Members, layers: ReadonlyMap<Digest, Descriptor>): Promise<ImportedImage[]> {
  const documents = await documentsOf(members)
  const imported: ImportedImage[] = []
  for (const digest of new Set(report.images.map(({ config }) => config))) {
    const config = documents.get(digest)
    if (config === undefined) throw new DrayError('damaged', `the config "${digest}" of an image is too large`)
    const own: Descriptor[] = []
    for (const diffId of parseImageConfig(config).diffIds) own.push(layers.get(diffId) ?? (await findOrMake(images, diffId)))
    const manifest = keptManifest({ config, ...manifestOf(documents, digest, own) }, own)
    const descriptor = await images.putImage({ config, layers: own, ...(manifest === undefined ? {} : { manifest }) })
    const names = [...new Set(report.images.filter(image => image.config === digest).flatMap(image => image.names).filter(name => !name.includes('@')).map(familiarName))].sort()
    const annotations = { ...descriptor.annotations, [childAnnotationNames.imageRole]: 'image', [childAnnotationNames.imageNames]: JSON.stringify(names) }
    imported.push({ descriptor: { ...descriptor, annotations }, names, layers: own.length })
  }
  return imported
}

async function findOrMake(images: ImageStore, diffId: Digest): Promise<Descriptor> {
  const known = await images.findLayer(diffId)
  if (known !== undefined) return known
  const zeros = emptyLayers.get(diffId)
  if (zeros === undefined) throw new DrayError('damaged', `layer "${diffId}" is not in the file`)
  return await images.putLayer(diffId, Readable.from([Buffer.alloc(zeros)], { objectMode: false }))
}

/** Of several manifests of one config that one which names the layers as they are stored. */
function manifestOf(documents: ReadonlyMap<Digest, Buffer>, config: Digest, layers: readonly Descriptor[]): { manifest?: { bytes: Buffer; parsed: Manifest } } {
  for (const bytes of documents.values()) {
    if (!bytes.includes(config)) continue
    const parsed = tryParse(bytes)
    if (parsed?.config.digest === config && parsed.layers.every(({ digest }, at) => digest === layers[at]?.digest)) return { manifest: { bytes, parsed } }
  }
  return {}
}

function tryParse(bytes: Buffer): Manifest | undefined {
  try {
    return parseManifest(bytes, 'a manifest')
  } catch {
    return undefined
  }
}

async function documentsOf(members: Members): Promise<Map<Digest, Buffer>> {
  const documents = new Map<Digest, Buffer>()
  for (const name of members.names()) {
    const file = await members.find(name)
    if (file !== undefined && 'content' in file && file.content.kind === 'document') documents.set(file.digest, file.content.bytes)
  }
  return documents
}
