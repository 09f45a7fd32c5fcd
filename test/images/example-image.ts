/** An image that is the same bytes everywhere, in the forms that tools write, to be changed. */
import { sha256 } from './saved-image.ts'
import { rawTar, type RawEntry } from './raw-tar.ts'

export type Files = Map<string, Buffer | RawEntry>
export type Json = Record<string, unknown>

export const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
export const hexOf = (bytes: Buffer): string => sha256(bytes).slice(7)
export const blobPath = (bytes: Buffer): string => `blobs/sha256/${hexOf(bytes)}`

export const layerOf = (name: string, content = name): Buffer => rawTar([{ name, data: Buffer.from(content) }])
export const layers: readonly [Buffer, Buffer] = [layerOf('one'), layerOf('two')]

export function configOf(plain: readonly Buffer[], more: Json = {}): Json {
  return { architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: plain.map(sha256) }, history: plain.map(() => ({ created_by: 'example' })), ...more }
}

export const types = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
}

export function descriptorOf(mediaType: string, bytes: Buffer, more: Json = {}): Json {
  return { mediaType, digest: sha256(bytes), size: bytes.length, ...more }
}

export type Parts = {
  readonly plain?: readonly Buffer[]
  /** As they lie in the archive. */
  readonly stored?: readonly Buffer[]
  readonly layerType?: string
  /** In place of the usual ones. */
  readonly config?: Buffer
  readonly manifest?: (manifest: Json) => unknown
  readonly index?: (index: Json & { manifests: Json[] }) => unknown
  /** Null for none. */
  readonly name?: string | null
}

/** A layout over blobs, without manifest.json. */
export function layoutFiles({ plain = layers, stored = plain, layerType = types.layer, config = json(configOf(plain)), manifest = same, index = same, name = 'docker.io/library/box:1' }: Parts = {}): Files {
  const manifestBytes = json(manifest({ schemaVersion: 2, mediaType: types.manifest, config: descriptorOf(types.config, config), layers: stored.map(layer => descriptorOf(layerType, layer)) }))
  const annotations = name === null ? {} : { annotations: { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name.split(':').at(-1) } }
  return new Map([
    ...[...stored, config, manifestBytes].map(bytes => [blobPath(bytes), bytes] as const),
    ['index.json', json(index({ schemaVersion: 2, mediaType: types.index, manifests: [descriptorOf(types.manifest, manifestBytes, annotations)] }))],
    ['oci-layout', json({ imageLayoutVersion: '1.0.0' })],
  ])
}

export type Item = { Config: unknown; RepoTags: unknown; Layers: unknown }

/** With manifest.json over the same blobs, as engines from 25 on and the containerd store save. */
export function savedFiles(parts: Parts = {}, change: (item: Item) => unknown = same): Files {
  const { plain = layers, stored = plain, config = json(configOf(plain)) } = parts
  const files = layoutFiles(parts)
  const layout = files.get('oci-layout')!
  files.delete('oci-layout')
  return new Map([...files, ['manifest.json', json([change({ Config: blobPath(config), RepoTags: ['box:1'], Layers: stored.map(blobPath) })])], ['oci-layout', layout]])
}

/** manifest.json alone: `config` and `layers` are the names that a tool gives them. */
export function dockerFiles({ plain = layers, stored = plain, config = json(configOf(plain)), configName = `${hexOf(config)}.json`, layerNames = plain.map(layer => `${hexOf(layer)}.tar`), change = same }: Omit<Parts, 'manifest' | 'index'> & { configName?: string; layerNames?: readonly string[]; change?: (item: Item) => unknown } = {}): Files {
  return new Map<string, Buffer>([
    [configName, config],
    ...stored.map((bytes, at) => [layerNames[at] ?? '', bytes] as const),
    ['manifest.json', json([change({ Config: configName, RepoTags: ['box:1'], Layers: layerNames })])],
  ])
}

export function tarOf(files: Files): Buffer {
  return rawTar(entriesOf(files))
}

export function entriesOf(files: Files): RawEntry[] {
  return [...files].map(([name, content]) => (Buffer.isBuffer(content) ? { name, data: content } : content))
}

function same<T>(value: T): T {
  return value
}
