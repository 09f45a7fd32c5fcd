import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { decompress } from '../../../src/archive/decompress-stream.ts'
import { writeImageArchive } from '../../../src/archive/write-image-archive.ts'
import { connectEngine } from '../../../src/engine/connect.ts'
import type { Engine } from '../../../src/engine/engine.ts'
import { addBackup } from '../../../src/store/backup-graph.ts'
import { newBackupId } from '../../../src/store/backup-summary.ts'
import { ImageStore, readImage } from '../../../src/store/image-store.ts'
import { openRepository, type LocalRepository } from '../../../src/store/repository.ts'
import { storeFlattened } from '../../../src/workflows/steps/flatten-container.ts'
import { isImageLost } from '../../../src/workflows/steps/lost-image.ts'
import { storeImage, type ImageJob, type ImageReport } from '../../../src/workflows/steps/store-image.ts'
import { must } from '../../lab/command.ts'
import type { EngineName } from '../../lab/engines.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'

type LocalImageJob = ImageJob & { readonly repository: LocalRepository }

export type StoreLab = { readonly host: LabHost; readonly engine: Engine; readonly repository: LocalRepository; readonly folder: string; readonly close: () => Promise<void>; job(more?: Partial<ImageJob>): ImageJob; /** For another repository, an empty one. */ readonly freshJob: () => Promise<LocalImageJob> }

const never = new AbortController().signal

/** What storing an image promises, on one kind of engine. `more` adds what holds there only. */
export function describeStoreImage(name: EngineName, more: (lab: () => StoreLab) => void = () => undefined): void {
  describe(`docker ${name}`, () => {
    let lab: StoreLab
    beforeAll(async () => {
      lab = await openLab(name)
      await busyboxImage(lab.host, 'base:1', { env: { GREETING: 'hello' }, cmd: ['sh', '-c', 'cat /etc/words'] })
    }, 240_000)
    afterAll(async () => {
      await lab.close()
      await rm(lab.folder, { recursive: true, force: true })
      await lab.engine.close()
      await lab.host[Symbol.asyncDispose]()
    }, 60_000)

    test('an image with layers that occur twice, empty ones too, is stored whole, and once', async () => {
      const diffIds = await loadOddImage(lab, 'odd:1')
      const { Id, RootFS: { Layers } } = await lab.engine.images.inspect('odd:1')
      expect(Layers).toEqual(diffIds)
      const report = await storeImage(lab.job(), 'odd:1')
      expect(report).toMatchObject({ id: Id, how: 'saved', layers: 5, newLayers: 3, descriptor: { annotations: { 'dev.drayage.image.id': Id } } })
      expect(report.readBytes).toBeGreaterThan(300_000)
      expect(await storedDiffIds(lab, report)).toEqual(diffIds)
    }, 60_000)

    test('an image that is stored is not read again: in the same run, and later out of a backup', async () => {
      const report = await storeImage(lab.job(), 'odd:1')
      expect(report).toMatchObject({ how: 'stored before', layers: 5, newLayers: 0, readBytes: 0 })
      await expect(storeImage(lab.job({ images: new ImageStore(lab.repository) }), 'odd:1')).resolves.toMatchObject({ how: 'saved', newLayers: 3 })
      await backUp(lab, [report])
      const later = await storeImage(lab.job({ images: new ImageStore(lab.repository) }), report.id)
      expect(later).toEqual(report)
    }, 60_000)

    test('a commit on a stored image writes one layer, its config and its manifest', async () => {
      await commit(lab, 'base:1', 'words:1', 'echo hello > /etc/words; chmod 4755 /etc/words')
      await backUp(lab, [await storeImage(lab.job(), 'words:1')])
      await commit(lab, 'words:1', 'words:2', 'echo more >> /etc/words')
      const blobs = await blobsOf(lab)
      const report = await storeImage(lab.job({ images: new ImageStore(lab.repository) }), 'words:2')
      expect(report).toMatchObject({ how: 'saved', layers: 3, newLayers: 1 })
      expect((await blobsOf(lab)).length - blobs.length).toBe(3)
      const { RootFS: { Layers } } = await lab.engine.images.inspect('words:2')
      expect(await storedDiffIds(lab, report)).toEqual(Layers)
    }, 60_000)

    test('skopeo reads what is stored, and an engine runs it', async () => {
      const id = await backUp(lab, [await storeImage(lab.job(), 'words:2')])
      const { Os, Layers } = JSON.parse(await must('skopeo', [...linux, 'inspect', `oci:${lab.repository.path}:${id}`])) as { Os: string; Layers: string[] }
      expect({ Os, layers: Layers.length }).toEqual({ Os: 'linux', layers: 3 })
      await load(lab, id, 'copied:1')
      const { stdout } = await lab.host.docker(['run', '--rm', 'copied:1', 'sh', '-c', 'cat /etc/words; echo $GREETING; stat -c %a /etc/words'])
      expect(stdout).toBe('hello\nmore\nhello\n4755\n')
    }, 60_000)

    test('a container whose image is gone is stored flattened, and runs again', async () => {
      const image = await commit(lab, 'base:1', 'lost:1', 'echo lost > /etc/words; chmod 4755 /etc/words')
      await lab.host.docker(['create', '--name', 'orphan', '--env', 'MORE=a b', '--label', 'x=y', '--workdir', '/tmp', '--user', '65534', 'lost:1', 'sh', '-c', 'cat /etc/words; pwd; id -u; echo $MORE; stat -c %a /etc/words'])
      for (const ref of ['lost:1', image]) await lab.host.docker(['rmi', '-f', ref])
      const container = await lab.engine.containers.inspect('orphan')
      const error: unknown = await storeImage(lab.job(), container.Image).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ name: 'DrayError' })
      expect(isImageLost(error)).toBe(true)
      const refused: unknown = await lab.engine.containers.commit({ container: 'orphan' }).catch((thrown: unknown) => thrown)
      expect({ refused: String(refused), lost: isImageLost(refused) }).toMatchObject({ refused: expect.stringContaining('committing container "orphan"'), lost: true })
      const report = await storeFlattened(lab.job(), container, 'its image is gone')
      expect(report).toMatchObject({ how: 'flattened', layers: 1, newLayers: 1, because: 'its image is gone' })
      expect(await storeFlattened(lab.job(), container, 'its image is gone')).toMatchObject({ descriptor: report.descriptor, newLayers: 0 })
      await load(lab, await backUp(lab, [report]), 'flat:1')
      const { stdout } = await lab.host.docker(['run', '--rm', 'flat:1'])
      expect(stdout).toBe('lost\n/tmp\n65534\na b\n4755\n')
      expect((await lab.engine.images.inspect('flat:1')).Config).toMatchObject({ Labels: { x: 'y' } })
    }, 60_000)

    test('an interrupted run ends with its reason and leaves nothing half written', async () => {
      await commit(lab, 'base:1', 'noise:1', 'dd if=/dev/urandom of=/tmp/noise bs=1M count=20')
      const blobs = await blobsOf(lab)
      const stop = new AbortController()
      const reason = new Error('stop')
      const transfer = { add: () => stop.abort(reason), expect: () => undefined, end: () => undefined }
      await expect(storeImage(lab.job({ signal: stop.signal, transfer }), 'noise:1')).rejects.toBe(reason)
      expect(await readdir(await lab.repository.temporaryFolder())).toEqual([])
      expect(await blobsOf(lab)).toEqual(blobs)
    }, 60_000)

    test('an image that never was is lost, an engine that does not answer is not', async () => {
      const error: unknown = await storeImage(lab.job(), 'never:1').catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'not-found' })
      expect(isImageLost(error)).toBe(true)
      expect(isImageLost(new Error('no such image'))).toBe(false)
    })

    more(() => lab)
  })
}

export const linux = ['--override-os', 'linux', '--override-arch', process.arch === 'arm64' ? 'arm64' : 'amd64']

async function openLab(name: EngineName): Promise<StoreLab> {
  const host = await startHost({ engine: name })
  const engine = await connectEngine({ host: `unix://${host.socket}`, env: process.env })
  const folder = await mkdtemp(join(tmpdir(), 'drayage-store-image-'))
  const repository = await openRepository(join(folder, 'repo'), { create: true })
  const images = new ImageStore(repository)
  const transfer = { add: () => undefined, expect: () => undefined, end: () => undefined }
  const job = (more?: Partial<ImageJob>): ImageJob => ({ engine, repository, images, transfer, signal: never, ...more })
  const open = [repository]
  const freshJob = async (): Promise<LocalImageJob> => {
    const fresh = await openRepository(join(folder, `fresh-${open.length}`), { create: true })
    open.push(fresh)
    return { ...job({ images: new ImageStore(fresh) }), repository: fresh }
  }
  const close = async (): Promise<void> => {
    for (const each of open) await each.close()
  }
  return { host, engine, repository, folder, job, freshJob, close }
}

/** Runs a script in a container of `from` and commits it as `name`. Returns the new image's id. */
export async function commit({ host, engine }: StoreLab, from: string, name: string, script: string): Promise<string> {
  const made = await host.docker(['run', '--name', 'committed', '--entrypoint', '', from, 'sh', '-c', script])
  if (made.exitCode !== 0) throw new Error(made.stderr)
  const { Config } = await engine.images.inspect(from)
  const changes = [`CMD ${JSON.stringify(Config?.['Cmd'])}`]
  const [repo, tag] = name.split(':')
  const id = await engine.containers.commit({ container: 'committed', changes, ...(repo === undefined ? {} : { repo }), ...(tag === undefined ? {} : { tag }) })
  await engine.containers.remove('committed', { force: true })
  return id
}

/** Loads an image of the layers a, empty, b, empty, a, and returns their diffIDs. Nothing in it can be run. */
async function loadOddImage({ engine }: StoreLab, name: string): Promise<string[]> {
  const tarOf = (file: string): Promise<Buffer> => collect(writeImageArchive([{ name: file, size: 150_000, body: randomBytes(150_000) }]))
  const [a, b, empty] = [await tarOf('a'), await tarOf('b'), Buffer.alloc(1024)]
  const layers = { [sha256(a)]: a, [sha256(b)]: b, [sha256(empty)]: empty }
  const diffIds = [a, empty, b, empty, a].map(sha256)
  const config = Buffer.from(JSON.stringify({ architecture: engine.facts.architecture, os: 'linux', config: { Cmd: ['x'], Labels: { sign: '<&>' } }, rootfs: { type: 'layers', diff_ids: diffIds.map(hex => `sha256:${hex}`) } }))
  const manifest = Buffer.from(JSON.stringify([{ Config: `${sha256(config)}.json`, RepoTags: [name], Layers: diffIds.map(hex => `${hex}.tar`) }]))
  const members = [...Object.entries(layers).map(([hex, body]) => ({ name: `${hex}.tar`, size: body.length, body })), { name: `${sha256(config)}.json`, size: config.length, body: config }, { name: 'manifest.json', size: manifest.length, body: manifest }]
  await engine.images.load(writeImageArchive(members))
  return diffIds.map(hex => `sha256:${hex}`)
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

export async function collect(source: AsyncIterable<unknown>): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of source) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

/** Returns the backup's id. */
export async function backUp({ repository, engine }: StoreLab, reports: readonly ImageReport[]): Promise<string> {
  await using lock = await repository.lock('shared', { command: 'test' })
  const id = newBackupId()
  await addBackup(repository, { id, created: new Date().toISOString(), host: 'lab', engine: engine.facts.id, run: 'run', tags: [], images: reports.map(({ descriptor }) => descriptor), containers: [], mounts: [] }, lock)
  return id
}

/** Loads the image of a backup into the engine with other tools than ours. */
export async function load({ host, repository, folder }: StoreLab, id: string, name: string): Promise<void> {
  const archive = join(folder, `${id}.tar`)
  await must('skopeo', [...linux, '--insecure-policy', 'copy', `oci:${repository.path}:${id}`, `docker-archive:${archive}:${name}`])
  const { exitCode, stderr, stdout } = await host.docker(['load', '-i', archive])
  if (exitCode !== 0) throw new Error(stderr + stdout)
}

export async function blobsOf({ repository }: StoreLab): Promise<string[]> {
  await repository.blobs.flush()
  return (await readdir(repository.paths.blobs)).sort()
}

/** By what the stored layers hold, not by what the config says. */
export async function storedDiffIds({ repository }: Pick<StoreLab, 'repository'>, { descriptor }: ImageReport): Promise<string[]> {
  const { layers } = await readImage(repository.blobs, descriptor)
  return Promise.all(layers.map(async ({ descriptor: { digest, mediaType } }) => {
    const hash = createHash('sha256')
    for await (const piece of decompress(mediaType.endsWith('zstd') ? 'zstd' : 'gzip', repository.blobs.openRead(digest))) hash.update(piece)
    return `sha256:${hash.digest('hex')}`
  }))
}
