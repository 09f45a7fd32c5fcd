import '../../one-realm.ts'
import { spawnSync } from 'node:child_process'
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { readBackup, readContainerSpec, readMount } from '../../../src/store/backup-graph.ts'
import { findBackup, listBackups, removeBackups } from '../../../src/store/backup-list.ts'
import { newBackupId } from '../../../src/store/backup-summary.ts'
import { ChunkStore } from '../../../src/store/chunk-store.ts'
import { openContent } from '../../../src/store/content-reader.ts'
import { hexOf } from '../../../src/store/digest.ts'
import { ImageStore, readImage } from '../../../src/store/image-store.ts'
import { readMountContent, toMountParts } from '../../../src/store/mount-manifest.ts'
import { mediaTypes, type Digest, type Index } from '../../../src/store/oci.ts'
import { findGarbage } from '../../../src/store/garbage.ts'
import { prune } from '../../../src/store/prune.ts'
import { rebuildIndex } from '../../../src/store/repair.ts'
import type { LocalRepository } from '../../../src/store/repository.ts'
import { readToc } from '../../../src/store/toc.ts'
import { backUp, collect, entry, noise, putSmallImage, scratch, sha256, type Scratch } from './scratch.ts'

let at: Scratch
let repository: LocalRepository
beforeEach(async () => {
  at = await scratch()
  repository = await at.open()
})
afterEach(async () => {
  await repository.close()
  await at[Symbol.asyncDispose]()
})

const exclusive = () => repository.lock('exclusive', { command: 'test' })
const pathOf = (digest: Digest) => join(repository.paths.blobs, hexOf(digest))
const ids = async () => (await listBackups(repository)).map(({ id }) => id)

async function dataOf(id: string): Promise<Buffer> {
  const contents = await readBackup(repository.blobs, (await findBackup(repository, id)).descriptor)
  const { content } = await readMount(repository.blobs, contents.mounts[0]!)
  return collect(openContent(new ChunkStore(repository), content.chunks))
}

test('a backup comes back as it was given', async () => {
  const data = noise(300_000)
  const image = await putSmallImage(repository, noise(10_000))
  const made = await backUp(repository, data, { images: [image], project: 'shop' })
  const [listed] = await listBackups(repository)
  expect(listed).toEqual(made)
  expect(listed).toMatchObject({ host: 'here', engine: 'ENGINE', run: 'run-1', project: 'shop', containers: ['web'], tags: ['nightly, "odd"'] })
  const contents = await readBackup(repository.blobs, made.descriptor)
  expect(contents.images).toEqual([image])
  expect(await readContainerSpec(repository.blobs, contents.containers[0]!)).toEqual({ Name: '/web', Env: ['PASSWORD=x'] })
  const { description, content } = await readMount(repository.blobs, contents.mounts[0]!)
  expect(description).toEqual({ id: 'm1', kind: 'volume', name: 'data' })
  expect((await dataOf(made.id)).equals(data)).toBe(true)
  for await (const entries of readToc(new ChunkStore(repository), content.toc)) expect(entries).toEqual([{ ...entry('./data', { size: data.length, bytes: data.length }), offset: 0 }])
})

test('the index says the same as index.json, images first, and nothing else is runnable', async () => {
  const image = await putSmallImage(repository, noise(10_000))
  const { descriptor } = await backUp(repository, noise(1000), { images: [image] })
  const index = JSON.parse((await repository.blobs.read(descriptor.digest)).toString()) as Index
  expect(index.annotations).toEqual(descriptor.annotations)
  expect(index.manifests.map(({ platform }) => platform)).toEqual([{ os: 'linux', architecture: 'amd64' }, ...Array(2).fill({ os: 'unknown', architecture: 'unknown' })])
  expect((await repository.blobs.read(descriptor.digest)).subarray(0, 512).toString()).toContain(mediaTypes.backup)
})

test('a mount in many parts is one again, in any order, and not without one of them', async () => {
  const store = new ChunkStore(repository)
  const chunk = async (text: string) => ({ ...(await store.store(Buffer.from(text))), forced: text === 'b' })
  const chunks = await Promise.all(['a', 'b', 'c', 'd', 'e'].map(chunk))
  const toc = { sorted: false, chunks: await Promise.all(['x', 'y'].map(async (text, offset) => ({ ...(await store.store(Buffer.from(text))), entries: 1, offset, first: Buffer.from([0xff, offset]) }))) }
  const parts = toMountParts({ id: 'm' }, { chunks, toc }, 3)
  const manifests = await Promise.all(parts.map(async ({ config, layers }) => {
    const put = await repository.blobs.put(config, mediaTypes.mountConfig)
    return repository.blobs.put(Buffer.from(JSON.stringify({ schemaVersion: 2, config: put, layers })), mediaTypes.manifest)
  }))
  expect(manifests).toHaveLength(3)
  expect((await readMountContent(repository.blobs, manifests.toReversed())).content).toEqual({ chunks, toc })
  await expect(readMountContent(repository.blobs, manifests.slice(1))).rejects.toMatchObject({ code: 'damaged' })
  await expect(readMountContent(repository.blobs, manifests.slice(0, 2))).rejects.toMatchObject({ code: 'damaged' })
})

test('16,000 layers make a manifest below 4 MiB', () => {
  const ref = { key: 'f'.repeat(64), length: 8388608, digest: `sha256:${'f'.repeat(64)}` as const, size: 8388608, codec: 'zstd' as const, forced: true }
  const [part, ...others] = toMountParts({ id: 'm' }, { chunks: Array<typeof ref>(16_000).fill(ref), toc: { sorted: true, chunks: [] } })
  expect(others).toEqual([])
  expect(JSON.stringify(part?.layers).length).toBeLessThan(3_900_000)
})

test('a backup with a missing blob is not listed', async () => {
  const store = new ChunkStore(repository)
  const ref = { ...(await store.store(noise(100))), forced: false }
  await store.flush()
  await rm(pathOf(ref.digest))
  const mounts = [{ description: { id: 'm' }, content: { chunks: [ref], toc: { sorted: true, chunks: [] } } }]
  await expect(backUp(repository, noise(10), { mounts })).rejects.toMatchObject({ code: 'damaged', message: expect.stringContaining(ref.digest) })
  expect(await listBackups(repository)).toEqual([])
})

test('a backup whose lock was taken away is not listed', async () => {
  const { ContentWriter } = await import('../../../src/store/content-writer.ts')
  const { addBackup } = await import('../../../src/store/backup-graph.ts')
  const lock = await repository.lock('shared', { command: 'x' })
  const chunks = await new ContentWriter(new ChunkStore(repository), repository.config.chunker).finish()
  await lock.release()
  const backup = { id: 'x', created: '', host: '', engine: '', run: '', tags: [], images: [], containers: [], mounts: [{ description: { id: 'm' }, content: { chunks, toc: { sorted: true, chunks: [] } } }] }
  await expect(addBackup(repository, backup, lock)).rejects.toMatchObject({ code: 'locked' })
  expect(await ids()).toEqual([])
})

test('found by id and by unique prefix', async () => {
  for (const id of ['ab', 'abc', 'abd', 'x1']) await backUp(repository, noise(10), { id })
  expect((await findBackup(repository, 'ab')).id).toBe('ab')
  expect((await findBackup(repository, 'x')).id).toBe('x1')
  await expect(findBackup(repository, 'a')).rejects.toMatchObject({ code: 'usage', message: '3 backups begin with "a": "ab", "abc", "abd"' })
  await expect(findBackup(repository, 'y')).rejects.toMatchObject({ code: 'not-found' })
  await expect(findBackup(repository, '')).rejects.toMatchObject({ code: 'not-found' })
  await expect(backUp(repository, noise(10), { id: 'ab' })).rejects.toMatchObject({ code: 'conflict' })
  await expect(backUp(repository, noise(10), { id: '../x' })).rejects.toMatchObject({ code: 'usage' })
  expect(newBackupId(new Date('2026-01-31T04:05:06.789Z'))).toMatch(/^20260131-040506-[0-9a-f]{6}$/)
})

test('removing and pruning frees what only the removed backup needed', async () => {
  const [common, own] = [noise(100_000), noise(100_000)]
  const [kept, gone] = [await backUp(repository, common, { id: 'kept' }), await backUp(repository, Buffer.concat([common, own]), { id: 'gone' })]
  await writeFile(pathOf(sha256(Buffer.from('young'))), 'young')
  const lock = await exclusive()
  await expect(removeBackups(repository, ['gone', 'none'], lock)).rejects.toMatchObject({ code: 'not-found' })
  expect(await ids()).toEqual(['gone', 'kept'])
  expect((await removeBackups(repository, ['gone'], lock)).map(({ id }) => id)).toEqual(['gone'])
  expect((await prune(repository, { graceMs: 3_600_000 }, lock)).removedBlobs).toBe(0)
  for (const name of await readdir(repository.paths.blobs)) if (name !== hexOf(sha256(Buffer.from('young')))) await utimes(join(repository.paths.blobs, name), 1, 1)
  const { digests, counts } = await findGarbage(repository, { graceMs: 3_600_000 })
  const report = await prune(repository, { graceMs: 3_600_000 }, lock)
  expect(report).toEqual(counts)
  expect(digests.size).toBe(report.removedBlobs)
  expect(report.removedBytes).toBeGreaterThan(90_000)
  expect(report.youngBlobs).toBe(1)
  expect((await dataOf(kept.id)).equals(common)).toBe(true)
  expect(await repository.blobs.has(gone.descriptor.digest)).toBe(false)
  expect((await prune(repository, { graceMs: 0 }, lock)).removedBlobs).toBe(1)
  await lock.release()
  const again = await backUp(repository, Buffer.concat([common, own]))
  expect((await dataOf(again.id)).length).toBe(200_000)
})

test('prune leaves the blobs of other programs, and everything when a document cannot be read', async () => {
  const tar = noise(1000)
  const image = await putSmallImage(repository, tar)
  await repository.blobs.flush()
  const index = JSON.parse(await readFile(repository.paths.index, 'utf8'))
  await writeFile(repository.paths.index, JSON.stringify({ ...index, manifests: [{ ...image, annotations: { 'org.opencontainers.image.ref.name': 'skopeo' } }] }))
  const { descriptor } = await backUp(repository, noise(10_000))
  const blobs = (await readdir(repository.paths.blobs)).length
  await using lock = await exclusive()
  expect(await prune(repository, { graceMs: -1000 }, lock)).toMatchObject({ removedBlobs: 0, keptBlobs: blobs })
  await writeFile(pathOf(descriptor.digest), '{}')
  await writeFile(pathOf(sha256(Buffer.from('loose'))), 'loose')
  await expect(prune(repository, { graceMs: -1000 }, lock)).rejects.toMatchObject({ code: 'damaged', message: expect.stringContaining('nothing was removed') })
  expect(await readdir(repository.paths.blobs)).toHaveLength(blobs + 1)
})

test.each<[string, () => Promise<void>]>([
  ['lost', () => rm(repository.paths.index)],
  ['torn', () => writeFile(repository.paths.index, '{"schemaVersion":2,"manif')],
  ['emptied', () => writeFile(repository.paths.index, '{"schemaVersion":2,"manifests":[]}')],
  ['an empty object', () => writeFile(repository.paths.index, '{}')],
])('an index.json that was %s is built again', async (how, damage) => {
  const data = noise(50_000)
  await backUp(repository, data, { id: 'one' })
  await backUp(repository, noise(10_000), { id: 'broken', created: '2026-01-02T03:04:06Z' })
  const { descriptor } = await backUp(repository, noise(10_000), { id: 'forgotten' })
  const before = await listBackups(repository)
  const broken = await readBackup(repository.blobs, before.find(({ id }) => id === 'broken')!.descriptor)
  await rm(pathOf(broken.containers[0]!.manifest.digest)) // the specs are equal, so all three share it
  await backUp(repository, data, { id: 'one-again' })
  await rm(pathOf((await readMount(repository.blobs, broken.mounts[0]!)).content.chunks[0]!.digest))
  const lock = await exclusive()
  await removeBackups(repository, ['forgotten'], lock)
  await damage()
  const report = await rebuildIndex(repository, lock)
  await lock.release()
  expect(report.added.map(({ id }) => id).sort()).toEqual(['one', 'one-again'])
  // What is left of it can be restored.
  expect(report).toMatchObject({ indexWas: how === 'emptied' ? 'sound' : 'missing or broken', incomplete: [{ id: 'broken' }] })
  expect(await listBackups(repository)).toEqual(expect.arrayContaining(before.filter(({ id }) => id === 'one')))
  expect((await ids()).sort()).toEqual(['broken', 'one', 'one-again'])
  expect((await dataOf('one')).equals(data)).toBe(true)
  expect(await repository.blobs.has(descriptor.digest)).toBe(false)
})

test('repair drops nothing that is listed', async () => {
  await backUp(repository, noise(1000), { id: 'sound' })
  const { descriptor } = await backUp(repository, noise(1000), { id: 'hurt' })
  const { content } = await readMount(repository.blobs, (await readBackup(repository.blobs, descriptor)).mounts[0]!)
  await rm(pathOf(content.chunks[0]!.digest))
  const before = await readFile(repository.paths.index, 'utf8')
  await using lock = await exclusive()
  const report = await rebuildIndex(repository, lock)
  expect(report).toMatchObject({ indexWas: 'sound', added: [], incomplete: [{ id: 'hurt', reason: expect.stringContaining(content.chunks[0]!.digest) }] })
  expect(JSON.parse(await readFile(repository.paths.index, 'utf8'))).toEqual(JSON.parse(before))
})

test('repair keeps a backup on the list whose own index is damaged or gone, and names it', async () => {
  const { descriptor } = await backUp(repository, noise(1000), { id: 'hurt' })
  await backUp(repository, noise(1000), { id: 'sound' })
  await using lock = await exclusive()
  for (const damage of [() => writeFile(pathOf(descriptor.digest), '{}'), () => rm(pathOf(descriptor.digest)), () => mkdir(pathOf(descriptor.digest))]) {
    await damage()
    expect(await rebuildIndex(repository, lock)).toMatchObject({ indexWas: 'sound', added: [], incomplete: [{ id: 'hurt', digest: descriptor.digest }] })
    expect(await ids()).toEqual(expect.arrayContaining(['hurt', 'sound']))
  }
})

test('a layer is stored once, by its diffID, and a wrong one not at all', async () => {
  const tar = noise(3_000_000)
  const image = await putSmallImage(repository, tar)
  await backUp(repository, noise(10), { images: [image] })
  const stored = await readImage(repository.blobs, image)
  const images = new ImageStore(repository)
  expect(await images.findLayer(sha256(tar))).toEqual(stored.layers[0]!.descriptor)
  expect(await images.findLayer(sha256(noise(1)))).toBeUndefined()
  await expect(images.putLayer(sha256(noise(1)), Readable.from([tar]))).rejects.toMatchObject({ code: 'damaged' })
  const gunzipped = spawnSync('gzip', ['-dc', pathOf(stored.layers[0]!.descriptor.digest)], { maxBuffer: 1 << 26 })
  expect(gunzipped.stdout.equals(tar)).toBe(true)
})

test('an original manifest keeps its digest, and must belong to its config', async () => {
  const image = await putSmallImage(repository, noise(1000))
  const { manifest, config, layers } = await readImage(repository.blobs, image)
  const images = new ImageStore(repository)
  const mediaType = 'application/vnd.docker.distribution.manifest.v2+json'
  const bytes = Buffer.from(JSON.stringify({ ...manifest, mediaType }, null, 3))
  const kept = await images.putImage({ config, layers: [], manifest: { bytes, mediaType } })
  expect(kept).toEqual({ mediaType, digest: sha256(bytes), size: bytes.length, platform: { os: 'linux', architecture: 'amd64' } })
  await expect(images.putImage({ config: Buffer.from('{"os":"linux","architecture":"arm64"}'), layers: [], manifest: { bytes, mediaType } })).rejects.toMatchObject({ code: 'damaged' })
  await expect(images.putImage({ config, layers: [...layers, ...layers].map(({ descriptor }) => descriptor) })).rejects.toMatchObject({ code: 'damaged' })
})
