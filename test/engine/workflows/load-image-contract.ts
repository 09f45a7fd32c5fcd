import { randomBytes } from 'node:crypto'
import { readFile, rm, mkdtemp, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { writeImageArchive } from '../../../src/archive/write-image-archive.ts'
import { connectEngine } from '../../../src/engine/connect.ts'
import type { Engine, LoadReport } from '../../../src/engine/engine.ts'
import { DrayError } from '../../../src/errors/dray-error.ts'
import type { ImageReport } from '../../../src/integrity/image-report.ts'
import { Journal } from '../../../src/pipeline/journal.ts'
import { hexOf } from '../../../src/store/digest.ts'
import { ImageStore, readImage } from '../../../src/store/image-store.ts'
import type { Descriptor } from '../../../src/store/oci.ts'
import { openRepository, type LocalRepository } from '../../../src/store/repository.ts'
import { knowsAvailability } from '../../../src/workflows/steps/image-match.ts'
import { planImageTar } from '../../../src/workflows/steps/image-tar.ts'
import { findImage, loadImage, type LoadedImage, type LoadJob } from '../../../src/workflows/steps/load-image.ts'
import type { EngineName } from '../../lab/engines.ts'
import { startHost, type HostOptions, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { checkingLoads, expectSoundButForLayers } from '../../images/checked-loads.ts'
import { saveWhole, sha256, storeSaved, type SavedImage } from '../../images/saved-image.ts'

const limit = 120_000
const noiseBytes = 3 * 1024 * 1024
const never = new AbortController().signal

/** Where images are made: an engine of its own, so that the target has none of their layers. */
class Source implements AsyncDisposable {
  readonly engine: Engine
  readonly repository: LocalRepository
  readonly store: ImageStore
  private readonly host: LabHost
  private readonly folder: string

  private constructor(host: LabHost, engine: Engine, folder: string, repository: LocalRepository) {
    this.host = host
    this.engine = engine
    this.folder = folder
    this.repository = repository
    this.store = new ImageStore(repository)
  }

  static async start(): Promise<Source> {
    const host = await startHost({ engine: '20.10' })
    await busyboxImage(host, 'base:1', { volumes: ['/data'], labels: { made: 'here' } })
    const folder = await mkdtemp(join(tmpdir(), 'drayage-load-'))
    return new Source(host, await connect(host), folder, await openRepository(join(folder, 'repo'), { create: true }))
  }

  /** The base, or another image, with one layer of noise on top. */
  async commit({ bytes = noiseBytes, on = 'base:1' } = {}): Promise<SavedImage> {
    const { id } = await this.engine.containers.create({ Image: on }, {})
    await this.engine.containers.putArchive(id, '/tmp', noiseTar(bytes))
    const image = await this.engine.containers.commit({ container: id, author: 'somebody', changes: ['ENV A="b c"', 'CMD ["sha256sum","/tmp/noise"]', 'HEALTHCHECK --interval=7s CMD true'] })
    await this.engine.containers.remove(id, { volumes: true })
    return saveWhole(this.engine, image)
  }

  async journal(run: string): Promise<Journal> {
    return Journal.start(join(this.folder, 'journal'), run, 'test')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.repository.close()
    await rm(this.folder, { recursive: true, force: true })
    await this.engine.close()
    await this.host[Symbol.asyncDispose]()
  }
}

/** What must hold for every engine that an image is brought to. */
export function testLoads(title: string, options: HostOptions & { readonly engine: EngineName }): void {
  describe(`images brought to ${title}`, () => {
    let source: Source
    let host: LabHost
    let engine: Engine
    let journal: Journal
    const sent: ImageReport[] = []
    let runs = 0
    let run: string

    beforeAll(async () => {
      source = await Source.start()
      host = await startHost(options)
      engine = checkingLoads(await connect(host), sent)
    }, 600_000)
    afterEach(async () => {
      expect(await journal.close()).toEqual([])
      expectSoundButForLayers(sent.splice(0))
      for (const { Id } of await engine.images.list({ all: true })) await engine.images.remove(Id, { force: true, noprune: false })
    })
    afterAll(async () => {
      await engine.close()
      await host[Symbol.asyncDispose]()
      await source[Symbol.asyncDispose]()
    }, limit)

    async function job(more: Partial<LoadJob> = {}): Promise<LoadJob & { expected(): number; moved(): number }> {
      run = `r${++runs}`
      journal = await source.journal(run)
      const progress = { expected: 0, moved: 0 }
      const transfer = { add: (bytes: number) => void (progress.moved += bytes), expect: (bytes: number) => void (progress.expected = bytes), end: () => undefined }
      return { engine, blobs: source.repository.blobs, journal, run, transfer, signal: never, expected: () => progress.expected, moved: () => progress.moved, ...more }
    }

    const listed = async () => (await engine.images.list({ all: true })).map(({ Id, RepoTags }) => ({ Id, RepoTags })).sort((a, b) => (a.Id < b.Id ? -1 : 1))
    const isContainerd = () => engine.facts.store === 'containerd'
    const knowsBlobs = () => !isContainerd() || knowsAvailability(engine)

    /** The user's part: the real name, then the temporary one goes. */
    async function settle(loaded: LoadedImage, repo: string): Promise<void> {
      await engine.images.tag(loaded.id, repo, '1')
      if (loaded.temporaryName !== undefined) await engine.images.remove(loaded.temporaryName)
      if (loaded.journalEntry) await journal.settle(loaded.journalEntry)
      expect((await engine.images.list()).flatMap(({ RepoTags }) => RepoTags ?? []).filter(name => name.startsWith('drayage'))).toEqual([])
    }

    async function expectWorks(name: string, saved: SavedImage): Promise<void> {
      const again = await saveWhole(engine, name)
      expect(again.config).toEqual(saved.config)
      expect(again.layers.map(({ plain }) => sha256(plain))).toEqual(saved.layers.map(({ plain }) => sha256(plain)))
      const { exitCode, stdout } = await host.docker(['run', '--rm', '--network', 'none', name])
      expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^[0-9a-f]{64} {2}\/tmp\/noise\n$/)])
    }

    test('to an empty engine, and again', async () => {
      const saved = await source.commit()
      const manifest = await storeSaved(source.store, saved)
      const first = await job()
      expect(await findImage(engine, await readImage(source.repository.blobs, manifest), never)).toBeUndefined()
      const loaded = await loadImage(first, manifest)
      expect(loaded).toMatchObject({ id: isContainerd() ? manifest.digest : sha256(saved.config), sentLayers: 2, presentLayers: 0, notes: [] })
      expect(loaded.temporaryName).toMatch(new RegExp(`^drayage-tmp:${run}-`))
      expect([first.expected(), first.moved()]).toEqual([loaded.sentBytes, loaded.sentBytes])
      expect(await listed()).toEqual([{ Id: loaded.id, RepoTags: [loaded.temporaryName] }])
      expect(journal.open()).toEqual([loaded.journalEntry])
      await settle(loaded, 'app')
      await expectWorks('app:1', saved)
      await journal.close()

      const again = await loadImage(await job(), manifest)
      // a containerd store of before API 1.48 cannot prove that the image is whole
      if (!knowsBlobs()) expect(again.sentLayers).toBe(2)
      else expect(again).toEqual({ id: loaded.id, sentLayers: 0, presentLayers: 2, sentBytes: 0, notes: [] })
      await settle(again, 'app')
      expect(await listed()).toEqual([{ Id: loaded.id, RepoTags: ['app:1'] }])
    }, limit)

    test('to an engine that has the base from the repository', async () => {
      const base = await storeSaved(source.store, await saveWhole(source.engine, 'base:1'))
      const baseJob = await job()
      await settle(await loadImage(baseJob, base), 'base')
      await journal.close()
      const saved = await source.commit()
      const manifest = await storeSaved(source.store, saved)
      const loaded = await loadImage(await job(), manifest)
      expect(loaded).toMatchObject({ sentLayers: knowsBlobs() ? 1 : 2, presentLayers: knowsBlobs() ? 1 : 0, notes: [] })
      if (knowsBlobs()) expect(loaded.sentBytes).toBeLessThan(noiseBytes * 1.1)
      await settle(loaded, 'app')
      // what was left out is not only unpacked, it is there: the image survives without the base
      await engine.images.remove('base:1')
      await expectWorks('app:1', saved)
    }, limit)

    test('to an engine that has the base from elsewhere, without touching any of its names', async () => {
      await engine.images.load(await source.engine.images.save('base:1'))
      await engine.images.tag('base:1', 'app', '1')
      await engine.images.tag('base:1', 'drayage-tmp', 'mine')
      const before = await listed()
      const saved = await source.commit()
      const loaded = await loadImage(await job(), await storeSaved(source.store, saved))
      expect(loaded.sentLayers).toBe(isContainerd() ? 2 : 1)
      expect((await listed()).filter(({ Id }) => Id !== loaded.id)).toEqual(before)
      await engine.images.remove('drayage-tmp:mine')
      await settle(loaded, 'other')
      await expectWorks('other:1', saved)
    }, limit)

    test('with zstd layers', async () => {
      const saved = await source.commit()
      const manifest = await storeSaved(source.store, saved, 'zstd')
      const zstd = await job()
      const loaded = await loadImage(zstd, manifest)
      expect([zstd.expected(), zstd.moved()]).toEqual([loaded.sentBytes, loaded.sentBytes])
      await settle(loaded, 'app')
      await expectWorks('app:1', saved)
    }, limit)

    test('with a layer that occurs twice, of which the engine has one', async () => {
      const { config, layers, manifest } = await source.commit()
      const [base, noise] = layers
      const document = JSON.parse(config.toString()) as { rootfs: { diff_ids: string[] }; history: object[] }
      document.rootfs.diff_ids.push(document.rootfs.diff_ids[1]!)
      document.history.push({ created: '2026-01-02T03:04:05Z', created_by: 'again' })
      const twice = { config: Buffer.from(JSON.stringify(document)), layers: [base!, noise!, noise!], manifest: undefined }
      await settle(await loadImage(await job(), await storeSaved(source.store, { config, layers, manifest })), 'once')
      await journal.close()
      const loaded = await loadImage(await job(), await storeSaved(source.store, twice))
      await settle(loaded, 'twice')
      await expectWorks('twice:1', { ...twice, repoTags: [] })
    }, limit)

    test('one that is there under a name of its own is not sent', async () => {
      const saved = await source.commit()
      await engine.images.load(await source.engine.images.save(sha256(saved.config)))
      const [there] = await engine.images.list()
      const manifest = await storeSaved(source.store, saved)
      const loaded = await loadImage(await job(), manifest)
      if (knowsBlobs()) expect(loaded).toEqual({ id: there!.Id, sentLayers: 0, presentLayers: 2, sentBytes: 0, notes: [] })
      expect(await findImage(engine, await readImage(source.repository.blobs, manifest), never)).toBe(knowsBlobs() ? there!.Id : undefined)
      const other = { ...saved, config: Buffer.from(saved.config.toString().replace('"A=b c"', '"A=b d"')) }
      expect(other.config).not.toEqual(saved.config)
      expect(await findImage(engine, await readImage(source.repository.blobs, await storeSaved(source.store, other)), never)).toBeUndefined()
      await settle(loaded, 'app')
      await expectWorks('app:1', saved)
    }, limit)

    test('two at a time, one of them with a manifest of the docker kind', async () => {
      const images = [await source.commit(), await source.commit()]
      const [one, two] = [await storeSaved(source.store, images[0]!), await storeSaved(source.store, images[1]!)]
      const docker = (await source.repository.blobs.read(two.digest)).toString()
        .replaceAll('application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json')
        .replaceAll('application/vnd.oci.image.config.v1+json', 'application/vnd.docker.container.image.v1+json')
        .replaceAll('application/vnd.oci.image.layer.v1.tar+gzip', 'application/vnd.docker.image.rootfs.diff.tar.gzip')
      const asDocker = await source.store.putImage({ config: images[1]!.config, layers: [], manifest: { bytes: Buffer.from(docker), mediaType: 'application/vnd.docker.distribution.manifest.v2+json' } })
      const both = await job()
      const [first, second] = await Promise.all([loadImage(both, one), loadImage(both, asDocker)])
      if (isContainerd()) expect(second.id).toBe(asDocker.digest)
      await engine.images.tag(second.id, 'two', '1')
      await engine.images.remove(second.temporaryName!)
      await journal.settle(second.journalEntry!)
      await settle(first, 'one')
      await expectWorks('one:1', images[0]!)
      await expectWorks('two:1', images[1]!)
    }, limit)

    test('one for another platform', async () => {
      const saved = await source.commit()
      const config = Buffer.from(saved.config.toString().replace('"architecture":"amd64"', '"architecture":"arm64","variant":"v8"'))
      expect(config).not.toEqual(saved.config)
      const manifest = await storeSaved(source.store, { ...saved, config })
      const loaded = await loadImage(await job(), manifest)
      await settle(loaded, 'app')
      await journal.close()
      expect((await engine.images.inspect('app:1')).Architecture).toBe('arm64')
      const again = await loadImage(await job(), manifest)
      if (knowsBlobs()) expect(again).toMatchObject({ id: loaded.id, sentLayers: 0 })
      await settle(again, 'app')
    }, limit)

    test('what the repository has lost or spoilt is not loaded, and nothing is left', async () => {
      await engine.images.load(await source.engine.images.save('base:1'))
      const before = await listed()
      const { blobs, paths } = source.repository
      const spoil: Record<string, (path: string) => Promise<void>> = {
        truncated: path => truncate(path, 100_000),
        changed: async path => {
          const bytes = await readFile(path)
          bytes[bytes.length >> 1]! ^= 1
          await writeFile(path, bytes)
        },
        missing: path => rm(path),
      }
      for (const [how, doing] of Object.entries(spoil)) {
        for (const what of ['layer', 'config'] as const) {
          const manifest = await storeSaved(source.store, await source.commit())
          await blobs.flush()
          const { manifest: { layers, config } } = await readImage(blobs, manifest)
          await (what === 'config' && how === 'truncated' ? writeFile(join(paths.blobs, hexOf(config.digest)), '{') : doing(join(paths.blobs, hexOf((what === 'layer' ? layers[1]! : config).digest))))
          const failing = await job()
          await expect(loadImage(failing, manifest)).rejects.toMatchObject({ code: 'damaged', message: expect.stringContaining(`image "${manifest.digest}" cannot be brought to`) })
          expect({ how, what, left: await listed() }).toEqual({ how, what, left: before })
          expect(await journal.close()).toEqual([])
        }
      }
    }, limit)

    test('an abort leaves nothing, whether in the middle or when all is sent', async () => {
      await engine.images.load(await source.engine.images.save('base:1'))
      const before = await listed()
      const manifest = await storeSaved(source.store, await source.commit())
      const reason = new Error('enough')

      const middle = new AbortController()
      let moved = 0
      const add = (bytes: number): void => {
        moved += bytes
        if (moved > noiseBytes / 2) middle.abort(reason)
      }
      await expect(loadImage(await job({ signal: middle.signal, transfer: { add, expect: () => undefined, end: () => undefined } }), manifest)).rejects.toBe(reason)
      expect(await listed()).toEqual(before)
      expect(await journal.close()).toEqual([])

      const end = new AbortController()
      const whenSent = withLoad(engine, async (tar, load) => {
        tar.once('end', () => end.abort(reason))
        return load()
      })
      await expect(loadImage(await job({ signal: end.signal, engine: whenSent }), manifest)).rejects.toBe(reason)
      expect(await listed()).toEqual(before)
      expect(await journal.close()).toEqual([])

      const early = await job({ signal: AbortSignal.abort(reason) })
      await expect(loadImage(early, manifest)).rejects.toBe(reason)
      expect(await listed()).toEqual(before)
    }, limit)

    test('an answer that is lost when all was sent keeps the name in the journal', async () => {
      await engine.images.load(await source.engine.images.save('base:1'))
      const before = await listed()
      const deaf = withLoad(engine, async (_, load) => {
        await load()
        throw new DrayError('engine-unreachable', 'the connection was lost')
      })
      await expect(loadImage(await job({ engine: deaf }), await storeSaved(source.store, await source.commit()))).rejects.toMatchObject({ code: 'engine-unreachable' })
      expect(await listed()).toEqual(before)
      expect(journal.open()).toEqual([expect.objectContaining({ did: 'created tag', ref: expect.stringContaining(`drayage-tmp:${run}-image-`) })])
      await journal.settle(...journal.open())
    }, limit)

    test('layers that vanish before they are used are sent after all', async () => {
      const lower = await source.commit()
      await settle(await loadImage(await job(), await storeSaved(source.store, lower)), 'lower')
      await journal.close()
      const saved = await source.commit({ on: sha256(lower.config) })
      const vanishing = withLoad(engine, async (_, load) => {
        await engine.images.remove('lower:1')
        return load()
      })
      const loaded = await loadImage(await job({ engine: vanishing }), await storeSaved(source.store, saved))
      if (isContainerd()) expect(loaded.notes).toEqual([]) // our question holds them
      else expect(loaded).toMatchObject({ sentLayers: 3, presentLayers: 0, notes: [expect.stringContaining('no such file or directory')] })
      await settle(loaded, 'app')
      await expectWorks('app:1', saved)
    }, limit)

    test('an image that is there by its id and lacks a part is made whole', async () => {
      const saved = await source.commit()
      await engine.images.load(await source.engine.images.save(sha256(saved.config)))
      const [plain] = await engine.images.list()
      const descriptor = await storeSaved(source.store, saved)
      const thin = await job()
      const image = { ...(await readImage(thin.blobs, descriptor)), descriptor, manifestBytes: await thin.blobs.read(descriptor.digest) }
      const tag = { ref: 'app:1', repo: 'app', tag: '1', entry: await journal.record(engine, { did: 'created tag', ref: 'app:1' }) }
      // a containerd store has its content unpacked already and does not ask for the blob
      const tar = await planImageTar(thin.blobs, engine.facts, image, [false, true], tag, never)
      await engine.images.load(tar.open(() => undefined, () => undefined))
      await journal.settle(tag.entry)
      if (isContainerd()) {
        await engine.images.remove(plain!.Id)
        await expect(saveWhole(engine, 'app:1')).rejects.toThrow('left-out')
      }
      const loaded = await loadImage(thin, descriptor)
      expect(loaded.sentLayers).toBe(!isContainerd() ? 0 : knowsBlobs() ? 1 : 2)
      await settle(loaded, 'app')
      await expectWorks('app:1', saved)
    }, limit)

    test('one with the manifest that it was saved with keeps that', async () => {
      await settle(await loadImage(await job(), await storeSaved(source.store, await source.commit())), 'app')
      const saved = await saveWhole(engine, 'app:1')
      await engine.images.remove('app:1')
      await journal.close()
      const manifest = isContainerd() ? await storeSaved(source.store, saved, 'saved') : await storeSaved(source.store, saved)
      const loaded = await loadImage(await job(), manifest)
      expect(loaded.id).toBe(isContainerd() ? sha256(saved.manifest!) : sha256(saved.config))
      await settle(loaded, 'app')
      await expectWorks('app:1', saved)
    }, limit)

    test('a disk that fills up is told, and nothing is left', async () => {
      await using small = await startHost({ ...options, storageMib: 64 })
      const target = await connect(small)
      try {
        await busyboxImage(small, 'other:1')
        const before = await target.images.list({ all: true })
        const manifest: Descriptor = await storeSaved(source.store, await source.commit({ bytes: 50 * 1024 * 1024 }))
        const full = await job({ engine: target })
        await expect(loadImage(full, manifest)).rejects.toMatchObject({ code: 'io-failed', message: expect.stringMatching(/image "sha256:.*no space left on device/) })
        expect(await target.images.list({ all: true })).toEqual(before)
      } finally {
        await target.close()
      }
    }, limit)
  })
}

async function connect(host: LabHost): Promise<Engine> {
  return connectEngine({ host: `unix://${host.socket}`, env: process.env })
}

/** An engine that has images, with something that happens as another (not a question about blobs) is loaded. */
function withLoad(engine: Engine, around: (tar: Readable, load: () => Promise<LoadReport>) => Promise<LoadReport>): Engine {
  let loads = 0
  const asks = knowsAvailability(engine)
  const load: Engine['images']['load'] = async (tar, options) => {
    const run = async (): Promise<LoadReport> => engine.images.load(tar, options)
    return ++loads === (asks ? 2 : 1) ? around(tar, run) : run()
  }
  return { ...engine, facts: engine.facts, images: { ...engine.images, load } }
}

function noiseTar(bytes: number): Readable {
  return writeImageArchive([{ name: 'noise', size: bytes, body: randomBytes(bytes) }])
}
