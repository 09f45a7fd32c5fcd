import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { compressFrame } from '../../src/archive/codec.ts'
import { decompress, detectCompression } from '../../src/archive/decompress-stream.ts'
import { readImageArchive } from '../../src/archive/image-archive.ts'
import { checkImageArchive } from '../../src/integrity/check-image-file.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { parseImageConfig, type ImageStore } from '../../src/store/image-store.ts'
import { mediaTypes, type Descriptor, type Digest } from '../../src/store/oci.ts'

/** What `docker save` gave, small enough for the memory. Layers from the bottom, plain and as they came. */
export type SavedImage = { readonly config: Buffer; readonly layers: readonly { readonly plain: Buffer; readonly stored: Buffer }[]; readonly manifest: Buffer | undefined; readonly repoTags: readonly string[] }

/** Fails unless the archive has every layer of its one image, each with its diffID. */
export async function saveWhole(engine: Engine, ref: string): Promise<SavedImage> {
  const members = new Map<string, Buffer>()
  // of engines up to 24, for a layer that occurs twice
  const links = new Map<string, string>()
  const archive = await collect(await engine.images.save(ref))
  await expectGood(archive, ref)
  await readImageArchive(Readable.from([archive], { objectMode: false }), {
    async onMember(name, _, body) {
      members.set(name, await collect(body))
    },
    onLink: (name, linkTo) => links.set(name, new URL(linkTo, `file:///${name}`).pathname.slice(1)),
  })
  const named = (name: string): Buffer => {
    const member = members.get(links.get(name) ?? name)
    if (!member) throw new Error(`the saved archive of "${ref}" lacks "${name}"`)
    return member
  }
  const [image] = JSON.parse(named('manifest.json').toString()) as { Config: string; Layers: string[]; RepoTags: string[] | null }[]
  if (!image) throw new Error(`the saved archive of "${ref}" has no image`)
  const layers = await Promise.all(image.Layers.map(async name => ({ stored: named(name), plain: await plainOf(named(name)) })))
  const config = named(image.Config)
  const found = layers.map(({ plain }) => sha256(plain))
  const expected = parseImageConfig(config).diffIds
  if (found.join() !== expected.join()) throw new Error(`the saved archive of "${ref}" has the layers ${found.join()} instead of ${expected.join()}`)
  const [listed] = (JSON.parse(members.get('index.json')?.toString() ?? '{"manifests":[]}') as { manifests: Descriptor[] }).manifests
  return { config, layers, manifest: listed && named(`blobs/sha256/${listed.digest.slice(7)}`), repoTags: image.RepoTags ?? [] }
}

/** Fails unless dray verify finds nothing wrong: every archive that a test makes goes through it. */
export async function expectGood(archive: Buffer, what: string): Promise<void> {
  const { verdict, findings } = await checkImageArchive(Readable.from([archive], { objectMode: false }), { signal: new AbortController().signal })
  if (verdict !== 'valid') throw new Error(`the archive of "${what}" is ${verdict}: ${JSON.stringify(findings.filter(({ severity }) => severity === 'error'))}`)
}

/** Into a repository: layers as gzip members, as zstd, or as they came with the manifest that names them. */
export async function storeSaved(store: ImageStore, { config, layers, manifest }: Pick<SavedImage, 'config' | 'layers' | 'manifest'>, as: 'gzip' | 'zstd' | 'saved' = 'gzip'): Promise<Descriptor> {
  const stored: Descriptor[] = []
  for (const { plain, stored: came } of layers) {
    const diffId = sha256(plain)
    if (as === 'gzip') stored.push((await store.findLayer(diffId)) ?? (await store.putLayer(diffId, Readable.from([plain]))))
    else stored.push(await putBlob(store, diffId, as === 'saved' ? came : compressFrame(plain, 'zstd'), as === 'saved' ? mediaTypes.layerGzip : mediaTypes.layerZstd))
  }
  return store.putImage({ config, layers: stored, ...(as === 'saved' && manifest ? { manifest: { bytes: manifest, mediaType: (JSON.parse(manifest.toString()) as { mediaType: string }).mediaType } } : {}) })
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of source) pieces.push(piece)
  return Buffer.concat(pieces)
}

export function sha256(bytes: Buffer): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

function putBlob(store: ImageStore, diffId: Digest, bytes: Buffer, mediaType: string): Promise<Descriptor> {
  return store.putCompressedLayer(diffId, Readable.from([bytes]), { mediaType, digest: sha256(bytes), size: bytes.length })
}

async function plainOf(bytes: Buffer): Promise<Buffer> {
  const { compression, bytes: again } = await detectCompression(Readable.from([bytes]))
  return compression === 'none' ? bytes : collect(decompress(compression, again))
}
