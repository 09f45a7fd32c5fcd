import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { readImageArchive } from '../../../src/archive/image-archive.ts'
import { readImage } from '../../../src/store/image-store.ts'
import { storeFlattened } from '../../../src/workflows/steps/flatten-container.ts'
import { LegacyLayerNames } from '../../../src/workflows/steps/legacy-layer-names.ts'
import { isImageLost } from '../../../src/workflows/steps/lost-image.ts'
import { storeImage } from '../../../src/workflows/steps/store-image.ts'
import { must } from '../../lab/command.ts'
import { backUp, collect, commit, describeStoreImage, linux, load, sha256, storedDiffIds, type StoreLab } from './store-image-contract.ts'

describeStoreImage('20.10', lab => {
  test('every layer of an archive is recognised by its folder before it is read', async () => {
    const { engine } = lab()
    for (const ref of ['odd:1', 'words:2']) {
      const { RootFS: { Layers = [] } } = await engine.images.inspect(ref)
      const names = new LegacyLayerNames(Layers)
      const recognised: (string | undefined)[] = []
      const found: string[] = []
      await readImageArchive(await engine.images.save(ref), {
        async onMember(name, _, body) {
          const [id = '', file] = name.split('/')
          if (file === 'json') names.learn(id, await collect(body))
          if (file !== 'layer.tar') return
          recognised.push(names.diffIdOf(id))
          found.push(`sha256:${sha256(await collect(body))}`)
        },
      })
      expect(recognised).toEqual(found)
      expect(new Set(found)).toEqual(new Set(Layers))
    }
  }, 60_000)

  changedLayerIsLost(lab)
})

describeStoreImage('28.5', lab => {
  test('an image that came compressed keeps its manifest, and with it its id', async () => {
    const { engine, freshJob } = lab()
    const id = await loadCompressed(lab(), 'words:2', 'gz:1', ['--dest-compress-level', '1', '--dest-compress-format', 'gzip'])
    const job = await freshJob()
    const report = await storeImage(job, 'gz:1')
    expect(report).toMatchObject({ id, how: 'saved', layers: 3, newLayers: 3, descriptor: { digest: id } })
    expect(await storedDiffIds(job, report)).toEqual((await engine.images.inspect('gz:1')).RootFS.Layers)
  }, 60_000)

  test('zstd layers are stored as they came', async () => {
    const { engine, freshJob } = lab()
    await loadCompressed(lab(), 'words:2', 'zst:1', ['--dest-compress-format', 'zstd'])
    const job = await freshJob()
    const report = await storeImage(job, 'zst:1')
    expect(report).toMatchObject({ how: 'saved', layers: 3, newLayers: 3 })
    const { layers } = await readImage(job.repository.blobs, report.descriptor)
    for (const { descriptor: { mediaType } } of layers) expect(mediaType).toBe('application/vnd.oci.image.layer.v1.tar+zstd')
    expect(await storedDiffIds(job, report)).toEqual((await engine.images.inspect('zst:1')).RootFS.Layers)
  }, 60_000)

  test('layers that are stored under another compression are not stored again', async () => {
    await backUp(lab(), [await storeImage(lab().job(), 'words:2')])
    expect(await storeImage(lab().job(), 'zst:1')).toMatchObject({ how: 'saved', newLayers: 0 })
  }, 60_000)

  test('an image without one of its layers, which the engine saves as if it were whole, is lost; its container is stored flattened', async () => {
    const { host, engine, freshJob } = lab()
    await commit(lab(), 'words:2', 'hollow:1', 'echo hollow > /etc/words')
    await host.docker(['create', '--name', 'hollow', 'hollow:1'])
    const whole = await freshJob()
    const { layers } = await readImage(whole.repository.blobs, (await storeImage(whole, 'hollow:1')).descriptor)
    await host.sh(`ctr -a /run/docker/containerd/containerd.sock -n moby content rm ${layers[3]!.descriptor.digest}`)
    const job = await freshJob()
    const error: unknown = await storeImage(job, 'hollow:1').catch((thrown: unknown) => thrown)
    expect({ error: String(error), lost: isImageLost(error) }).toMatchObject({ error: expect.stringContaining('without its'), lost: true })
    const report = await storeFlattened(lab().job(), await engine.containers.inspect('hollow'), String(error))
    await load(lab(), await backUp(lab(), [report]), 'full:1')
    expect((await host.docker(['run', '--rm', 'full:1'])).stdout).toBe('hollow\n')
  }, 60_000)
})

describeStoreImage('28.5-overlay2', changedLayerIsLost)

function changedLayerIsLost(lab: () => StoreLab): void {
  test('an image whose layer was changed behind the engine\'s back is lost', async () => {
    const { host, engine, freshJob } = lab()
    await commit(lab(), 'base:1', 'bent:1', 'echo straight > /etc/straight')
    const { GraphDriver } = (await engine.images.inspect('bent:1')) as unknown as { GraphDriver: { Data: { UpperDir: string } } }
    await host.sh(`echo bent-bent > ${GraphDriver.Data.UpperDir}/etc/straight`)
    const job = await freshJob()
    const error: unknown = await storeImage(job, 'bent:1').catch((thrown: unknown) => thrown)
    expect({ error: String(error), lost: isImageLost(error) }).toMatchObject({ error: expect.stringMatching(/could not verify layer data|file integrity checksum failed/), lost: true })
    expect(await readdir(await job.repository.temporaryFolder())).toHaveLength(0)
  }, 60_000)
}

/** Loads what is stored of `ref` under another name with the layers compressed anew. Returns the id it gets. */
async function loadCompressed({ engine, folder, host, ...lab }: StoreLab, ref: string, name: string, options: readonly string[]): Promise<string> {
  const all = { engine, folder, host, ...lab }
  const backup = await backUp(all, [await storeImage(all.job(), ref)])
  const layout = join(folder, name.replace(':', '-'))
  await must('skopeo', [...linux, '--insecure-policy', 'copy', '--format', 'oci', `oci:${all.repository.path}:${backup}`, `dir:${layout}-plain`, '--dest-decompress'])
  await must('skopeo', [...linux, '--insecure-policy', 'copy', '--format', 'oci', '--dest-compress', ...options, `dir:${layout}-plain`, `oci-archive:${layout}.tar:docker.io/library/${name}`])
  const { stderr, exitCode } = await host.docker(['load', '-i', `${layout}.tar`])
  if (exitCode !== 0) throw new Error(stderr)
  return (await engine.images.inspect(name)).Id
}
