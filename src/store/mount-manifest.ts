/**
 * A mount's data as manifests (docs/repository-format.md): the layers are the chunks and then the table of contents, in
 * parts that every registry takes. What a layer's descriptor cannot say, the part's config does, in the same order.
 */
import type { Json } from '../engine/api-types.ts'
import type { BlobReader } from './blob-reader.ts'
import { chunkMediaType, kindOfMediaType, tocMediaType, type ChunkRef, type ContentChunk } from './chunk-ref.ts'
import { notA, readConfig, readManifest } from './documents.ts'
import { mediaTypes, type Descriptor, type Manifest } from './oci.ts'

/** One chunk of the table of contents: the lines of `entries` entries, the first of which begins at `offset` of the stream. */
export type TocChunk = ChunkRef & { readonly entries: number; readonly offset: number; readonly first: Buffer }

/** `sorted`: the paths ascend by their bytes, so that one can be found by the chunks' first ones. */
export type Toc = { readonly sorted: boolean; readonly chunks: readonly TocChunk[] }

export type MountContent = { readonly chunks: readonly ContentChunk[]; readonly toc: Toc }

/** What is mounted where, counts, fidelity, reader: kept as it is given. `id` is unique in the backup. */
export type MountDescription = { readonly id: string; readonly [field: string]: Json | undefined }

/** A part's documents, ready to be put. */
export type MountPart = { readonly config: Buffer; readonly layers: readonly Descriptor[] }

/** 190 bytes each at most: the manifest stays below 3.2 MB. */
const layersPerPart = 16_000

type ChunkRow = readonly [key: string, length: number, forced?: 1]
type TocRow = readonly [key: string, length: number, entries: number, offset: number, first: string, coding?: 'base64']
type PartConfig = { readonly format: 1; readonly mount: MountDescription; readonly part: number; readonly parts: number; readonly sorted: boolean; readonly chunks: readonly ChunkRow[]; readonly toc: readonly TocRow[] }

export function toMountParts(mount: MountDescription, { chunks, toc }: MountContent, perPart: number = layersPerPart): MountPart[] {
  const total = chunks.length + toc.chunks.length
  const parts = Math.max(1, Math.ceil(total / perPart))
  return Array.from({ length: parts }, (_, at) => {
    const start = at * perPart
    const end = start + perPart
    const data = chunks.slice(start, end)
    const contents = toc.chunks.slice(Math.max(0, start - chunks.length), Math.max(0, end - chunks.length))
    const config: PartConfig = { format: 1, mount, part: at + 1, parts, sorted: toc.sorted, chunks: data.map(toChunkRow), toc: contents.map(toTocRow) }
    const layers = [...data.map(ref => toLayer(ref, chunkMediaType(ref.codec))), ...contents.map(ref => toLayer(ref, tocMediaType(ref.codec)))]
    return { config: Buffer.from(JSON.stringify(config)), layers }
  })
}

/** The chunks of one part without its description: all that is needed to know what is stored where. */
export async function readMountPart(blobs: BlobReader, descriptor: Descriptor): Promise<{ readonly description: MountDescription; readonly part: number; readonly parts: number; readonly content: MountContent }> {
  const manifest = await readManifest(blobs, descriptor)
  const config = parsePartConfig(await readConfig(blobs, manifest.config), descriptor, manifest)
  const layers = layersOf(manifest)
  const data = layers.slice(0, config.chunks.length)
  const contents = layers.slice(config.chunks.length)
  const chunks = data.map((layer, at) => fromChunkRow(config.chunks[at], layer))
  const toc = contents.map((layer, at) => fromTocRow(config.toc[at], layer))
  return { description: config.mount, part: config.part, parts: config.parts, content: { chunks, toc: { sorted: config.sorted, chunks: toc } } }
}

/** All parts of a mount, in any order, as one. Throws `damaged` when one is missing. */
export async function readMountContent(blobs: BlobReader, parts: readonly Descriptor[]): Promise<{ readonly description: MountDescription; readonly content: MountContent }> {
  const read = []
  for (const descriptor of parts) read.push(await readMountPart(blobs, descriptor))
  read.sort((a, b) => a.part - b.part)
  const [first] = read
  const follows = ({ part, description }: { part: number; description: MountDescription }, at: number) => part === at + 1 && description.id === first?.description.id
  if (first?.parts !== read.length || !read.every(follows)) throw notA(`the mount of ${parts.length} parts ("${parts[0]?.digest ?? 'none'}" is the first)`, 'complete')
  return {
    description: first.description,
    content: { chunks: read.flatMap(({ content }) => content.chunks), toc: { sorted: first.content.toc.sorted, chunks: read.flatMap(({ content }) => content.toc.chunks) } },
  }
}

function layersOf({ layers }: Manifest): Descriptor[] {
  return layers.filter(({ mediaType }) => mediaType !== mediaTypes.empty)
}

function toLayer({ digest, size }: ChunkRef, mediaType: string): Descriptor {
  return { mediaType, digest, size }
}

function toChunkRow({ key, length, forced }: ContentChunk): ChunkRow {
  return forced ? [key, length, 1] : [key, length]
}

function toTocRow({ key, length, entries, offset, first }: TocChunk): TocRow {
  const text = first.toString('utf8')
  return Buffer.from(text).equals(first) ? [key, length, entries, offset, text] : [key, length, entries, offset, first.toString('base64'), 'base64']
}

function fromChunkRow(row: ChunkRow | undefined, layer: Descriptor): ContentChunk {
  const codec = kindOfMediaType(layer.mediaType)?.codec
  if (row === undefined || codec === undefined) throw notA(`layer "${layer.digest}"`, 'a chunk')
  return { key: row[0], length: row[1], digest: layer.digest, size: layer.size, codec, forced: row[2] === 1 }
}

function fromTocRow(row: TocRow | undefined, layer: Descriptor): TocChunk {
  const codec = kindOfMediaType(layer.mediaType)?.codec
  if (row === undefined || codec === undefined) throw notA(`layer "${layer.digest}"`, 'a chunk of a table of contents')
  return { key: row[0], length: row[1], digest: layer.digest, size: layer.size, codec, entries: row[2], offset: row[3], first: Buffer.from(row[4], row[5] ?? 'utf8') }
}

function parsePartConfig(config: Record<string, unknown>, { digest }: Descriptor, manifest: Manifest): PartConfig {
  const { format, mount, part, parts, sorted, chunks, toc } = config as Partial<Record<keyof PartConfig, unknown>>
  const counts = Array.isArray(chunks) && Array.isArray(toc) && chunks.length + toc.length === layersOf(manifest).length
  const description = typeof mount === 'object' && mount !== null && 'id' in mount && typeof mount.id === 'string'
  const rows = counts && chunks.every(isChunkRow) && toc.every(isTocRow)
  if (format !== 1 || !description || !rows || !isCount(part) || !isCount(parts) || typeof sorted !== 'boolean') throw notA(`the config of mount manifest "${digest}"`, 'sound')
  return config as unknown as PartConfig
}

function isChunkRow(row: unknown): boolean {
  return Array.isArray(row) && isKey(row[0]) && isCount(row[1])
}

function isTocRow(row: unknown): boolean {
  return Array.isArray(row) && isKey(row[0]) && isCount(row[1]) && isCount(row[2]) && isCount(row[3]) && typeof row[4] === 'string' && (row[5] === undefined || row[5] === 'base64')
}

function isKey(value: unknown): boolean {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

