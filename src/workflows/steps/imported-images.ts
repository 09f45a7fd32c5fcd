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
    const config = await documents.read(digest)
    if (config === undefined) throw new DrayError('damaged', `the config "${digest}" of an image is too large`)
    const own: Descriptor[] = []
    for (const diffId of parseImageConfig(config).diffIds) own.push(layers.get(diffId) ?? (await findOrMake(images, diffId)))
    const manifest = keptManifest({ config, ...(await manifestOf(documents, digest, own)) }, own)
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
async function manifestOf(documents: Documents, config: Digest, layers: readonly Descriptor[]): Promise<{ manifest?: { bytes: Buffer; parsed: Manifest } }> {
  for (const document of documents.digests) {
    const bytes = await documents.read(document)
    if (bytes?.includes(config) !== true) continue
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

type Documents = { readonly digests: Iterable<Digest>; read(digest: Digest): Promise<Buffer | undefined> }

/** Their names are kept, and not they: an archive may have a gigabyte of them. */
async function documentsOf(members: Members): Promise<Documents> {
  const names = new Map<Digest, string>()
  const read = async (name: string): Promise<{ digest: Digest; bytes: Buffer } | undefined> => {
    const file = await members.find(name)
    return file !== undefined && 'content' in file && file.content.kind === 'document' ? { digest: file.digest, bytes: file.content.bytes } : undefined
  }
  for (const name of members.names()) {
    const document = await read(name)
    if (document !== undefined) names.set(document.digest, name)
  }
  return { digests: [...names.keys()], read: async digest => (await read(names.get(digest) ?? ''))?.bytes }
}
