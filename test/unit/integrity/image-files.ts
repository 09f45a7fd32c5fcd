import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { checkImageArchive } from '../../../src/integrity/check-image-file.ts'
import type { ImageReport } from '../../../src/integrity/image-report.ts'

/** Members of an archive, by name and in order. */
export type Files = Map<string, Buffer | { readonly linkTo: string }>

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

export async function tarOf(files: Files | readonly (readonly [string, Buffer | { readonly linkTo: string }])[]): Promise<Buffer> {
  const tar = pack()
  for (const [name, content] of files) {
    if (Buffer.isBuffer(content)) tar.entry({ name, mtime: new Date(0) }, content)
    else tar.entry({ name, type: 'symlink', linkname: content.linkTo, mtime: new Date(0) })
  }
  tar.finalize()
  const pieces: Buffer[] = []
  for await (const piece of tar as unknown as AsyncIterable<Buffer>) pieces.push(piece)
  return Buffer.concat(pieces)
}

export const layerOf = (text: string): Promise<Buffer> => tarOf([['file', Buffer.from(text)]])

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

/** An image with these layers, as engines from 25 on save it: manifest.json and index.json over the same blobs. */
export function imageFiles(layers: readonly Buffer[], { gzip = false, name = 'box:1' } = {}): Files {
  const files: Files = new Map()
  const blob = (bytes: Buffer): { digest: string; size: number; path: string } => {
    const path = `blobs/sha256/${sha256(bytes)}`
    files.set(path, bytes)
    return { digest: `sha256:${sha256(bytes)}`, size: bytes.length, path }
  }
  const config = blob(json({ architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: layers.map(layer => `sha256:${sha256(layer)}`) }, history: layers.map(() => ({ created_by: 'x' })) }))
  const stored = layers.map(layer => blob(gzip ? gzipSync(layer) : layer))
  const type = `application/vnd.oci.image.layer.v1.tar${gzip ? '+gzip' : ''}`
  const manifest = blob(json({
    schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: config.digest, size: config.size },
    layers: stored.map(({ digest, size }) => ({ mediaType: type, digest, size })),
  }))
  files.set('index.json', json({ schemaVersion: 2, manifests: [{ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: manifest.digest, size: manifest.size, annotations: { 'io.containerd.image.name': `docker.io/library/${name}` } }] }))
  files.set('manifest.json', json([{ Config: config.path, RepoTags: [name], Layers: stored.map(({ path }) => path) }]))
  files.set('oci-layout', json({ imageLayoutVersion: '1.0.0' }))
  return files
}

export async function check(bytes: Buffer): Promise<ImageReport> {
  return await checkImageArchive(Readable.from([bytes], { objectMode: false }), { signal: new AbortController().signal })
}

/** Its verdict, and the codes of everything but notes. */
export async function verdictOf(bytes: Buffer): Promise<string> {
  const { verdict, findings } = await check(bytes)
  return [verdict, ...new Set(findings.filter(({ severity }) => severity !== 'note').map(({ code }) => code))].join(' ')
}
