import '../../one-realm.ts'
import { readdir } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { compressFrame } from '../../../src/archive/codec.ts'
import { readImageArchive } from '../../../src/archive/image-archive.ts'
import { writeImageArchive } from '../../../src/archive/write-image-archive.ts'
import { DrayError } from '../../../src/errors/dray-error.ts'
import { ImageStore } from '../../../src/store/image-store.ts'
import type { Descriptor, Digest } from '../../../src/store/oci.ts'
import type { LocalRepository } from '../../../src/store/repository.ts'
import { chooseImage, keptManifest } from '../../../src/workflows/steps/choose-image.ts'
import { IncompleteImage, isImageLost } from '../../../src/workflows/steps/lost-image.ts'
import { SavedImage } from '../../../src/workflows/steps/saved-image.ts'
import { noise, scratch, sha256, type Scratch } from '../store/scratch.ts'

let at: Scratch
let repository: LocalRepository
let images: ImageStore
beforeEach(async () => {
  at = await scratch()
  repository = await at.open()
  images = new ImageStore(repository)
})
afterEach(async () => {
  await repository.close()
  await at[Symbol.asyncDispose]()
})

const layer = noise(300_000)
const member = (name: string, body: Buffer) => ({ name, size: body.length, body })
const blob = (body: Buffer, digest = sha256(body)) => member(`blobs/sha256/${digest.slice(7)}`, body)
const json = (value: object) => Buffer.from(JSON.stringify(value))

async function take(members: ReturnType<typeof member>[], known: ReadonlyMap<Digest, Descriptor> = new Map()): Promise<SavedImage> {
  const saved = new SavedImage(images, [sha256(layer)], known, new AbortController().signal)
  await readImageArchive(writeImageArchive(members), saved)
  return saved
}

const halfWritten = async () => (await repository.blobs.flush(), readdir(await repository.temporaryFolder()))

test.each(['gzip', 'zstd'] as const)('a layer in %s is stored as it came, under the diffID of its content', async codec => {
  const stored = compressFrame(layer, codec)
  const saved = await take([blob(stored)])
  expect(saved.layers).toEqual(new Map([[sha256(layer), { mediaType: `application/vnd.oci.image.layer.v1.tar+${codec}`, digest: sha256(stored), size: stored.length }]]))
  expect(await images.findLayer(sha256(layer))).toEqual(saved.layers.get(sha256(layer)))
})

test('what is not the image\'s, or known under another compression, is not kept', async () => {
  const saved = await take([blob(gzipSync(noise(200_000))), blob(layer), blob(gzipSync(layer)), member(`${'a'.repeat(64)}/layer.tar`, layer), blob(json({ predicate: 'x' })), member('repositories', Buffer.from('{}'))])
  expect(saved.newLayers).toEqual(new Set([sha256(layer)]))
  expect(saved.documents.size).toBe(0)
  expect(await halfWritten()).toEqual([])
  expect(await readdir(repository.paths.blobs)).toEqual([saved.layers.get(sha256(layer))!.digest.slice(7)])
})

test('a layer whose folder tells nothing is known by its content', async () => {
  expect((await take([member(`${'b'.repeat(64)}/layer.tar`, layer)])).newLayers).toEqual(new Set([sha256(layer)]))
})

test('content that is not what its name says is damaged, and nothing of it stays', async () => {
  const changed = Buffer.from(layer)
  changed[1000]! ^= 1
  const packed = gzipSync(layer)
  const broken = Buffer.from(packed)
  broken[2000]! ^= 1
  const document = json({ rootfs: {} })
  const members = [blob(changed, sha256(layer)), blob(broken), blob(packed.subarray(0, -4)), blob(Buffer.concat([packed, layer])), blob(packed, sha256(changed)), blob(json({ layers: [] }), sha256(document))]
  for (const each of members) await expect(take([each])).rejects.toMatchObject({ code: 'damaged' })
  const { layers } = await take([blob(packed)])
  for (const each of [blob(changed, sha256(layer)), blob(gzipSync(changed), sha256(packed))]) await expect(take([each], layers)).rejects.toMatchObject({ code: 'damaged' })
  expect(await halfWritten()).toEqual([])
})

const config = json({ os: 'linux', architecture: 'arm64', variant: 'v8', rootfs: { diff_ids: [sha256(layer)] } })
const otherConfig = json({ os: 'linux', architecture: 'amd64', rootfs: { diff_ids: [sha256(layer)] } })
const manifestOf = (of: Buffer, mediaType: string) => json({ schemaVersion: 2, mediaType: 'application/vnd.docker.distribution.manifest.v2+json', config: { mediaType: 'c', digest: sha256(of), size: of.length }, layers: [{ mediaType, digest: sha256(layer), size: 1 }] })
const dockerGzip = 'application/vnd.docker.image.rootfs.diff.tar.gzip'
const inspected = (id: Digest) => ({ Id: id, RepoTags: null, RepoDigests: null, Architecture: 'arm64', Os: 'linux', Variant: 'v8', Size: 1, RootFS: { Type: 'layers', Layers: [sha256(layer)] }, Config: null })
const documents = (...all: Buffer[]) => new Map(all.map(bytes => [sha256(bytes), bytes]))

test('of an index of several platforms the inspected one is chosen', () => {
  const [wanted, other] = [manifestOf(config, dockerGzip), manifestOf(otherConfig, dockerGzip)]
  const index = json({ schemaVersion: 2, manifests: [other, wanted].map(bytes => ({ mediaType: 'm', digest: sha256(bytes), size: bytes.length })) })
  const chosen = chooseImage(documents(index, wanted, other, config, otherConfig), inspected(sha256(index)))
  expect(chosen).toMatchObject({ config, manifest: { bytes: wanted } })
  expect(chooseImage(documents(index, wanted, other, otherConfig), inspected(sha256(index)))).toBeUndefined()
  expect(chooseImage(documents(config), inspected(sha256(config)))).toEqual({ config })
  expect(chooseImage(documents(otherConfig), inspected(sha256(otherConfig)))).toBeUndefined()
})

test('an original manifest is kept only with the very blobs it names, all gzip', () => {
  const stored = (digest: Digest) => [{ mediaType: 'x', digest, size: 1 }]
  const kept = (mediaType: string, digest: Digest) => {
    const manifest = manifestOf(config, mediaType)
    return keptManifest(chooseImage(documents(manifest, config), inspected(sha256(manifest)))!, stored(digest))?.mediaType
  }
  expect(kept(dockerGzip, sha256(layer))).toBe('application/vnd.docker.distribution.manifest.v2+json')
  expect(kept(dockerGzip, sha256(config))).toBeUndefined()
  expect(kept('application/vnd.oci.image.layer.v1.tar+zstd', sha256(layer))).toBeUndefined()
})

test('a lost image is told from a broken connection, also within other failures', () => {
  const lost = new IncompleteImage('without its layer')
  expect(isImageLost(lost)).toBe(true)
  expect(isImageLost(new DrayError('rolled-back', 'backup: store image', { cause: lost }))).toBe(true)
  expect(isImageLost(new DrayError('damaged', 'the tar is cut at byte 7'))).toBe(false)
  expect(isImageLost(new DrayError('engine-unreachable', 'the connection was lost'))).toBe(false)
})
