import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { ContentChunk } from '../../../src/store/chunk-ref.ts'
import { addBackup, type NewBackup } from '../../../src/store/backup-graph.ts'
import { newBackupId, type BackupSummary } from '../../../src/store/backup-summary.ts'
import { ChunkStore } from '../../../src/store/chunk-store.ts'
import { ContentWriter } from '../../../src/store/content-writer.ts'
import { ImageStore } from '../../../src/store/image-store.ts'
import type { Descriptor, Digest } from '../../../src/store/oci.ts'
import { initRepository, openRepository, type LocalRepository, type Repository } from '../../../src/store/repository.ts'
import { TocWriter } from '../../../src/store/toc.ts'
import type { TocEntry } from '../../../src/store/toc-entry.ts'

/** Small enough that a test of a few hundred KiB has many chunks. */
export const smallChunks = { minBytes: 1024, averageBytes: 4096, maxBytes: 16384, seed: 'test' }

export type Scratch = AsyncDisposable & { readonly folder: string; readonly path: string; open(): Promise<LocalRepository> }

export async function scratch(): Promise<Scratch> {
  const folder = await mkdtemp(join(tmpdir(), 'dray-store-'))
  const path = join(folder, 'repo')
  await initRepository(path, smallChunks)
  return { folder, path, open: () => openRepository(path, { create: false }), [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
}

export const sha256 = (bytes: Buffer): Digest => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

export const noise = (bytes: number) => randomBytes(bytes)

export async function collect(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of source) pieces.push(piece)
  return Buffer.concat(pieces)
}

export async function writeContent(repository: Repository, store: ChunkStore, bytes: Buffer): Promise<ContentChunk[]> {
  const writer = new ContentWriter(store, repository.config.chunker)
  await writer.write(bytes)
  return writer.finish()
}

export function entry(path: string | Buffer, more: Partial<TocEntry> = {}): TocEntry {
  return { path: Buffer.from(path), type: 'f', size: 3, mode: 0o644, uid: 0, gid: 0, mtime: '1700000000.123456789', bytes: 1024, headerBytes: 512, ...more }
}

/** A backup of one container with one mount of these bytes, and of an image when there is one. */
export async function backUp(repository: Repository, data: Buffer, more: Partial<NewBackup> = {}): Promise<BackupSummary> {
  await using lock = await repository.lock('shared', { command: 'backup web', waitMs: 60_000 })
  const store = new ChunkStore(repository)
  const chunks = await writeContent(repository, store, data)
  const table = new TocWriter(store)
  await table.add(entry('./data', { size: data.length, bytes: data.length }))
  const toc = await table.finish()
  await store.flush()
  const backup: NewBackup = {
    id: newBackupId(), created: '2026-01-02T03:04:05Z', host: 'here', engine: 'ENGINE', run: 'run-1', tags: ['nightly, "odd"'], images: [],
    containers: [{ name: 'web', spec: { Name: '/web', Env: ['PASSWORD=x'] } }],
    mounts: [{ description: { id: 'm1', kind: 'volume', name: 'data' }, content: { chunks, toc } }], ...more,
  }
  return await addBackup(repository, backup, lock)
}

/** A one-layer image that any OCI tool takes. */
export async function putSmallImage(repository: Repository, tar: Buffer): Promise<Descriptor> {
  const images = new ImageStore(repository)
  const diffId = sha256(tar)
  const layer = await images.putLayer(diffId, Readable.from([tar]))
  const config = { architecture: 'amd64', os: 'linux', config: { Cmd: ['true'] }, rootfs: { type: 'layers', diff_ids: [diffId] } }
  return images.putImage({ config: Buffer.from(JSON.stringify(config)), layers: [layer] })
}
