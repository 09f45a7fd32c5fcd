import '../../one-realm.ts'
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { CheckingBlobs } from '../../../src/integrity/checking-blobs.ts'
import { Findings } from '../../../src/integrity/finding.ts'
import { readBackup } from '../../../src/store/backup-graph.ts'
import type { BlobStore } from '../../../src/store/blob-store.ts'
import { checkBlobFile, ReadingState, type BlobProblem } from '../../../src/store/check-blob.ts'
import { ChunkReader } from '../../../src/store/chunk-reader.ts'
import { ChunkStore } from '../../../src/store/chunk-store.ts'
import { hexOf } from '../../../src/store/digest.ts'
import { mediaTypes, type Digest } from '../../../src/store/oci.ts'
import type { LocalRepository } from '../../../src/store/repository.ts'
import { TocWriter, walkToc } from '../../../src/store/toc.ts'
import { backUp, noise, putSmallImage, scratch, sha256, type Scratch } from '../store/scratch.ts'
import { backUpTree, check, layerOf, makeTree, type TreeBackup } from './tree-backup.ts'

let at: Scratch
let repository: LocalRepository
const tar = await makeTree()
const layer = layerOf('file')
beforeEach(async () => {
  at = await scratch()
  repository = await at.open()
})
afterEach(async () => {
  await repository.close()
  await at[Symbol.asyncDispose]()
})

const pathOf = (digest: Digest) => join(repository.paths.blobs, hexOf(digest))
const codesOf = ({ findings }: { readonly findings: readonly { readonly code: string }[] }) => findings.map(({ code }) => code)

async function flip(path: string): Promise<void> {
  const bytes = await readFile(path)
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 8
  await writeFile(path, bytes)
}

/** The whole index.json, changed. */
async function changeList(change: (manifests: Record<string, unknown>[]) => unknown[]): Promise<void> {
  const index = JSON.parse(await readFile(repository.paths.index, 'utf8')) as { manifests: Record<string, unknown>[] }
  await writeFile(repository.paths.index, JSON.stringify({ ...index, manifests: change(index.manifests) }))
}

describe('blobs', () => {
  test('that the disk cannot read, and that are no files', () => {
    // Reading address 0 of this process is EIO.
    const state = new ReadingState()
    expect(checkBlobFile({ path: '/proc/self/mem', digest: sha256(Buffer.alloc(0)), size: 0, state })).toMatchObject({ problem: 'unreadable', found: expect.stringContaining('EIO') })
    expect(checkBlobFile({ path: '/proc', digest: sha256(Buffer.alloc(0)), size: 0, state })).toEqual({ problem: 'not a file', found: 'a directory' })
    expect(checkBlobFile({ path: '/dev/null', digest: sha256(Buffer.alloc(0)), size: 0, state })).toEqual({ problem: 'not a file', found: 'a special file' })
    expect(checkBlobFile({ path: '/nowhere', digest: sha256(Buffer.alloc(0)), size: 0, state })).toEqual({ problem: 'missing' })
  })

  test('in place of which is a directory are moved aside like others', async () => {
    const { content } = await backUpTree(repository, tar, layer)
    const { digest } = content.chunks[1]!
    await rm(pathOf(digest))
    await mkdir(pathOf(digest))
    expect(await check(repository)).toMatchObject({ verdict: 'damaged', findings: [{ code: 'blob-not-a-file', member: digest }], movedAside: [digest] })
    expect((await stat(join(repository.paths.quarantine, hexOf(digest)))).isDirectory()).toBe(true)
  })

  test('that were moved aside and are sound come back, unless nothing is to be changed', async () => {
    const { content } = await backUpTree(repository, tar, layer)
    const { digest } = content.chunks[1]!
    await repository.blobs.quarantine(digest)
    expect(await check(repository, { repairs: false })).toMatchObject({ verdict: 'damaged', findings: [{ code: 'blob-missing' }] })
    expect(await check(repository)).toMatchObject({ verdict: 'valid', findings: [{ code: 'blob-put-back', member: digest }], backups: [{ whole: true }] })
    expect(codesOf(await check(repository))).toEqual([])
  })

  test('that are read differently a second time are not touched', async () => {
    const findings = new Findings()
    const answers: (BlobProblem | undefined)[] = [{ problem: 'content', found: 'sha256:1' }, undefined]
    const blobs = { check: () => Promise.resolve(answers.shift()), quarantine: () => Promise.reject(new Error('not to be moved')) } as unknown as BlobStore
    const checking = new CheckingBlobs(blobs, findings, { repairs: true })
    const blob = { digest: sha256(noise(1)), size: 1 }
    checking.refer(blob, 'chunk', 'test')
    expect(await checking.isSound(blob, 'read')).toBe(true)
    expect(findings.list).toMatchObject([{ code: 'blob-unsteady', severity: 'warning', member: blob.digest }])
  })

  test('of a sample are read at random, and the others looked for', async () => {
    const { content } = await backUpTree(repository, tar, layer)
    const report = await check(repository, { share: 1e-9 })
    expect(report).toMatchObject({ verdict: 'valid', readBlobs: report.blobs - content.chunks.length - 1 })
    await flip(pathOf(content.chunks[0]!.digest))
    expect(await check(repository, { share: 1e-9 })).toMatchObject({ verdict: 'valid' })
    expect(await check(repository, { level: 'quick' })).toMatchObject({ verdict: 'valid' })
    await rm(pathOf(content.chunks[1]!.digest))
    expect(await check(repository, { share: 1e-9 })).toMatchObject({ verdict: 'damaged', errors: 1 })
    expect(await check(repository, { share: 1e-9, level: 'deep' })).toMatchObject({ verdict: 'damaged', errors: 1 })
  })
})

describe('deep', () => {
  async function withToc({ content }: TreeBackup, change: (path: string) => object): Promise<void> {
    const store = new ChunkStore(repository)
    const writer = new TocWriter(store)
    for await (const entry of walkToc(new ChunkReader(repository.blobs), content.toc)) await writer.add({ ...entry, ...change(entry.path.toString()) })
    const toc = await writer.finish()
    await store.flush()
    await backUp(repository, Buffer.alloc(0), { id: 'wrong', mounts: [{ description: { id: 'm1', label: 'data' }, content: { chunks: content.chunks, toc } }] })
  }

  test.each<[string, object]>([
    ['mode', { mode: 0o4711 }], ['owner', { uid: 9 }], ['size', { size: 7 }], ['time', { mtime: '1.000000000' }], ['type', { type: 'p' }], ['called', { path: Buffer.from('./sub/larger') }],
  ])('an entry whose %s is not as the table of contents says', async (what, wrong) => {
    await withToc(await backUpTree(repository, tar, layer, { id: 'right' }), path => (path === './sub/large' ? wrong : {}))
    expect(await check(repository)).toMatchObject({ verdict: 'valid' })
    const report = await check(repository, { level: 'deep' })
    expect(report).toMatchObject({ verdict: 'damaged', movedAside: [] })
    expect(report.findings[0]).toMatchObject({ code: 'tar-differs', member: 'wrong/data', found: expect.stringMatching(new RegExp(`"./sub/large.*${what}`)) })
    expect(report.backups.find(({ id }) => id === 'right')).toMatchObject({ whole: true })
    expect(report.backups.find(({ id }) => id === 'wrong')).toMatchObject({ whole: false, losses: [{ name: 'data', paths: [expect.stringContaining('./sub/large')] }] })
  })

  test('data that is no tar', async () => {
    await backUp(repository, noise(100_000))
    expect(codesOf(await check(repository, { level: 'deep' }))).toContain('tar-broken')
  })

  test('a layer that is none, or another one than the config says', async () => {
    const image = await putSmallImage(repository, noise(2000))
    await backUp(repository, Buffer.alloc(0), { images: [image] })
    expect(codesOf(await check(repository))).toEqual([])
    const report = await check(repository, { level: 'deep' })
    expect(codesOf(report)).toContain('image-inconsistent')
    expect(report.backups[0]!.losses).toContainEqual(expect.objectContaining({ what: 'image', lost: '1 of its 1 layers' }))
  })

  test('what several backups share is unpacked once', async () => {
    await backUpTree(repository, tar, layer, { id: 'one' })
    const { readBytes } = await check(repository, { level: 'deep' })
    await backUpTree(repository, tar, layer, { id: 'two' })
    expect((await check(repository, { level: 'deep' })).readBytes).toBeLessThan(readBytes + 5000)
  })
})

describe('documents', () => {
  test('a spec that names what the backup does not hold', async () => {
    const spec = { format: 1, images: [{ digest: sha256(Buffer.from('none')) }], mounts: [{ id: 'm9' }] }
    await backUp(repository, Buffer.alloc(0), { id: 'b', containers: [{ name: 'web', spec }] })
    const report = await check(repository)
    expect(codesOf(report)).toEqual(['reference-missing', 'reference-missing'])
    expect(report.backups).toMatchObject([{ whole: false }])
  })

  test('parts of a mount that do not fit together', async () => {
    const { content } = await backUpTree(repository, tar, layer)
    await backUp(repository, Buffer.alloc(0), { id: 'short', mounts: [{ description: { id: 'm1', label: 'data', tarBytes: 5, entries: 1 }, content }] })
    const report = await check(repository)
    expect(report.findings).toMatchObject([{ code: 'mount-inconsistent', member: 'short/m1' }, { code: 'mount-inconsistent', member: 'short/m1' }])
    expect(report.backups.find(({ id }) => id === 'short')?.whole).toBe(false)
  })

  test('a backup\'s index that is none, with the right digest', async () => {
    const bytes = Buffer.from('{"nothing":true}')
    const { digest, size } = await repository.blobs.put(bytes, mediaTypes.index)
    await repository.blobs.flush()
    const { descriptor } = await backUp(repository, noise(10), { id: 'b' })
    await changeList(() => [{ ...descriptor, digest, size }])
    expect(await check(repository)).toMatchObject({ verdict: 'damaged', findings: [{ code: 'document-broken', member: digest }], movedAside: [], backups: [{ id: 'b', whole: false, losses: [{ what: 'backup' }] }] })
  })

  test('what another program has put there is checked too', async () => {
    const image = await putSmallImage(repository, layer)
    await repository.blobs.flush()
    await changeList(list => [...list, { ...image, annotations: { 'org.opencontainers.image.ref.name': 'skopeo' } }])
    expect(await check(repository)).toMatchObject({ verdict: 'valid', findings: [{ code: 'foreign-entry' }], readBlobs: 3 })
    const { layers } = JSON.parse(await readFile(pathOf(image.digest), 'utf8')) as { layers: { digest: Digest }[] }
    await flip(pathOf(layers[0]!.digest))
    expect(codesOf(await check(repository))).toEqual(['foreign-entry', 'blob-differs'])
  })
})

describe('the list', () => {
  beforeEach(async () => {
    await backUpTree(repository, tar, layer, { id: 'one' })
  })

  test.each([['lost', undefined], ['torn', '{"schemaVersion":2,"mani'], ['an empty object', '{}']])('%s: what is stored is checked all the same', async (_what, content) => {
    if (content === undefined) await rm(repository.paths.index)
    else await writeFile(repository.paths.index, content)
    expect(await check(repository)).toMatchObject({ verdict: 'damaged', findings: [{ code: 'list-broken' }], backups: [{ id: 'one', whole: true }] })
  })

  test('an older one: a backup is not on it', async () => {
    const before = await readFile(repository.paths.index)
    const { summary } = await backUpTree(repository, tar, layer, { id: 'two' })
    await writeFile(repository.paths.index, before)
    expect(codesOf(await check(repository))).toEqual([])
    await utimes(pathOf(summary.descriptor.digest), 1, 1)
    expect(await check(repository)).toMatchObject({ verdict: 'valid', findings: [{ code: 'backup-unlisted', severity: 'warning', member: 'two' }] })
  })

  test('one that says other things than the backups, or nothing, or an id twice', async () => {
    await changeList(list => list.map(each => ({ ...each, annotations: { ...(each['annotations'] as object), 'dev.drayage.host': 'other' } })))
    expect(await check(repository)).toMatchObject({ findings: [{ code: 'list-differs', member: 'one', expected: '{"dev.drayage.host":"here"}', found: '{"dev.drayage.host":"other"}' }], backups: [{ whole: false }] })
    await changeList(list => list.map(each => ({ ...each, annotations: undefined })))
    expect(await check(repository)).toMatchObject({ verdict: 'damaged', backups: [{ id: 'one' }] })
    await changeList(list => [...list, ...list])
    expect(codesOf(await check(repository))).toContain('backup-doubled')
  })

  test('oci-layout', async () => {
    await rm(repository.paths.layout)
    expect(codesOf(await check(repository))).toEqual(['layout-broken'])
  })
})

test('one backup alone', async () => {
  const { summary } = await backUpTree(repository, tar, layer, { id: 'one' })
  const other = await backUp(repository, noise(5000), { id: 'two' })
  const { mounts } = await readBackup(repository.blobs, other.descriptor)
  await rm(pathOf(mounts[0]!.parts[0]!.digest))
  expect(await check(repository, { backup: summary })).toMatchObject({ verdict: 'valid', backups: [{ id: 'one', whole: true }] })
  expect(await check(repository, { backup: other })).toMatchObject({ verdict: 'damaged', backups: [{ id: 'two', losses: [{ what: 'mount', name: 'm1' }] }] })
})

test('an interrupted check ends, and changes nothing', async () => {
  await backUpTree(repository, tar, layer)
  const before = await readdir(repository.paths.blobs)
  await rename(repository.paths.cache, `${repository.paths.cache}-away`)
  await expect(check(repository, { signal: AbortSignal.abort(new Error('stopped')) })).rejects.toThrow('stopped')
  expect(await readdir(repository.paths.blobs)).toEqual(before)
})
