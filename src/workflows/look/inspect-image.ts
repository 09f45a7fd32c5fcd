/** What an image is made of, out of whatever holds it: its layers with their sizes and commands, and its config. */
import { createReadStream } from 'node:fs'
import { decompress, detectCompression } from '../../archive/decompress-stream.ts'
import { archiveFiles, maxJsonBytes } from '../../archive/image-archive.ts'
import { Readable } from 'node:stream'
import type { Engine } from '../../engine/engine.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { BlobReader } from '../../store/blob-reader.ts'
import { readImage } from '../../store/image-store.ts'
import type { Descriptor } from '../../store/oci.ts'

/** One step of the build, from the bottom. A step without `bytes` made no layer. */
export type HistoryStep = { readonly command: string; readonly created?: string; readonly bytes?: number; readonly diffId?: string }

export type InspectedImage = { readonly names: readonly string[]; readonly id: string; readonly platform: string; readonly created?: string; /** Config as the image has it: command, environment, volumes, ports. */ readonly config: Readonly<Record<string, unknown>>; readonly steps: readonly HistoryStep[]; /** Of what: `plain`, or `stored`, as the archive or the repository has them. */ readonly sizes: 'plain' | 'stored' }

export type ImageConfig = { readonly architecture?: string; readonly os?: string; readonly created?: string; readonly config?: Record<string, unknown>; readonly rootfs?: { readonly diff_ids?: string[] }; readonly history?: { readonly created?: string; readonly created_by?: string; readonly comment?: string; readonly empty_layer?: boolean }[] }

export async function inspectEngineImage(engine: Engine, ref: string, signal: AbortSignal): Promise<InspectedImage> {
  const inspect = await engine.images.inspect(ref, { signal })
  const history = (await engine.images.history(inspect.Id, { signal })) as { Created?: number; CreatedBy?: string; Size?: number }[]
  return {
    names: inspect.RepoTags ?? [], id: inspect.Id, platform: `${inspect.Os}/${inspect.Architecture}`, ...(inspect.Created === undefined ? {} : { created: inspect.Created }),
    config: (inspect as unknown as { Config?: Record<string, unknown> }).Config ?? {}, sizes: 'plain',
    steps: history.reverse().map(({ Created, CreatedBy, Size }) => ({ command: CreatedBy ?? '', ...(Created === undefined ? {} : { created: new Date(Created * 1000).toISOString() }), ...(Size === undefined ? {} : { bytes: Size }) })),
  }
}

export async function inspectStoredImage(blobs: BlobReader, descriptor: Descriptor, names: readonly string[]): Promise<InspectedImage> {
  const { config, layers } = await readImage(blobs, descriptor)
  return ofConfig(JSON.parse(config.toString()) as ImageConfig, descriptor.digest, names, layers.map(layer => layer.descriptor.size))
}

/** Of a file of `docker save`, read once; its hashes are not checked: `dray verify` does that. */
export async function inspectArchive(path: string, signal: AbortSignal): Promise<InspectedImage[]> {
  const { compression, bytes } = await detectCompression(createReadStream(path) as AsyncIterable<Buffer>)
  const plain = compression === 'none' ? bytes : decompress(compression, bytes)
  const documents = new Map<string, Buffer>()
  const sizes = new Map<string, number>()
  for await (const { name, size, body } of archiveFiles(Readable.from(plain, { objectMode: false }), signal)) {
    sizes.set(name, size)
    if (size > maxJsonBytes) continue
    const pieces: Buffer[] = []
    for await (const piece of body) {
      pieces.push(piece)
      if (pieces.length === 1 && piece[0] !== 0x7b && piece[0] !== 0x5b) break
    }
    if (pieces[0]?.[0] === 0x7b || pieces[0]?.[0] === 0x5b) documents.set(name, Buffer.concat(pieces))
  }
  const manifest = documents.get('manifest.json')
  if (manifest === undefined) throw new DrayError('unverifiable', `"${path}" is no file of docker save: it has no manifest.json`, { hints: [`what it is: dray verify ${path}`] })
  const images = JSON.parse(manifest.toString()) as { Config: string; RepoTags: string[] | null; Layers: string[] }[]
  return images.map(({ Config, RepoTags, Layers }) => {
    const config = documents.get(Config)
    if (config === undefined) throw new DrayError('damaged', `"${path}" lacks "${Config}"`, { hints: [`dray verify ${path}`] })
    return ofConfig(JSON.parse(config.toString()) as ImageConfig, Config.replace(/^blobs\/sha256\/|\.json$/g, ''), RepoTags ?? [], Layers.map(layer => sizes.get(layer) ?? 0))
  })
}

/** History says which steps made layers; without one, layers are all there is. */
export function ofConfig({ architecture = '', os = '', created, config = {}, rootfs, history = [] }: ImageConfig, id: string, names: readonly string[], bytes: readonly number[]): InspectedImage {
  const diffIds = rootfs?.diff_ids ?? []
  let at = 0
  const layer = (): Pick<HistoryStep, 'bytes' | 'diffId'> => {
    const [size, diffId] = [bytes[at], diffIds[at]]
    at++
    return { ...(size === undefined ? {} : { bytes: size }), ...(diffId === undefined ? {} : { diffId }) }
  }
  const steps = history.map(({ created: when, created_by: command = '', comment = '', empty_layer: isEmpty = false }): HistoryStep => ({ command: command || comment, ...(when === undefined ? {} : { created: when }), ...(isEmpty ? {} : layer()) }))
  while (at < diffIds.length) steps.push({ command: '', ...layer() })
  return { names, id, platform: `${os}/${architecture}`, ...(created === undefined ? {} : { created }), config, steps, sizes: 'stored' }
}
