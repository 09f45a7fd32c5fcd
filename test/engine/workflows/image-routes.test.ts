import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { viaFile } from '../../../src/workflows/routes/via-file.ts'
import { viaRegistry } from '../../../src/workflows/routes/via-registry.ts'
import { isImageLost } from '../../../src/workflows/steps/lost-image.ts'
import { streamFlattened } from '../../../src/workflows/steps/stream-flattened.ts'
import { streamImage } from '../../../src/workflows/steps/stream-image.ts'
import { startRegistry, type LabRegistry } from '../../lab/registry.ts'
import { saveWhole } from '../../images/saved-image.ts'
import { expectSound } from '../../images/checked-loads.ts'
import { StreamLab } from './stream-lab.ts'

const limit = 120_000

describe('other ways for images', () => {
  let lab: StreamLab
  let registry: LabRegistry
  let config: string
  beforeAll(async () => {
    registry = await startRegistry({ auth: { username: 'somebody', password: 'a:b c' } })
    const trusting = { engine: '20.10', insecureRegistries: [registry.address] } as const
    lab = await StreamLab.start(trusting, trusting)
    config = join(lab.folder, 'docker')
    await mkdir(config)
  }, 600_000)
  afterEach(async () => lab.removeImages())
  afterAll(async () => {
    await lab[Symbol.asyncDispose]()
    await registry[Symbol.asyncDispose]()
  }, limit)

  const absent = (path: string): Promise<unknown> => expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' })

  test('a file is written, checked, used and removed; what the target has is not sent', async () => {
    await lab.settle(await streamImage(await lab.job(), 'base:1'), 'base')
    lab.sent.length = 0
    const id = await lab.commit()
    const path = join(lab.folder, 'image.tar')
    const loaded = await viaFile(path)(await lab.job(), id)
    expect(loaded).toMatchObject({ id, sentLayers: 1, presentLayers: 1 })
    expectSound(lab.sent, 'layers left out')
    await absent(path)
    await lab.settle(loaded, 'app')
    await lab.expectWorks('app:1', await saveWhole(lab.source, id))
  }, limit)

  test('a file that is there is used, or refused as it is, and stays', async () => {
    const id = await lab.commit()
    const path = join(lab.folder, 'carried.tar')
    const { exitCode } = await lab.sourceHost.docker(['save', '-o', path, id])
    expect(exitCode).toBe(0)
    const bytes = await readFile(path)
    await lab.settle(await viaFile(path)(await lab.job(), id), 'app')
    expect((await readFile(path)).equals(bytes)).toBe(true)
    await lab.removeImages()
    await expect(viaFile(path)(await lab.job(), await lab.commit())).rejects.toThrow(/without its config/)
    bytes[1_000_000]! ^= 1
    await writeFile(path, bytes)
    await expect(viaFile(path)(await lab.job(), id)).rejects.toMatchObject({ code: 'damaged', message: expect.stringContaining(`"${path}" is damaged`) })
    expect([await lab.listed(), await lab.ended()]).toEqual([[], []])
    expect((await readFile(path)).equals(bytes)).toBe(true)
  }, limit)

  test('through a registry that wants a password; only the names that were there stay', async () => {
    const id = await lab.commit()
    const saved = await saveWhole(lab.source, id)
    const before = await lab.listed(lab.source)
    const env = { ...process.env, DOCKER_CONFIG: config }
    const route = viaRegistry(`${registry.address}/moved/app`, env)
    await writeFile(join(config, 'config.json'), '{}')
    await expect(route(await lab.job(), id)).rejects.toMatchObject({ code: 'unauthorized' })
    expect([await lab.listed(), await lab.ended(), await lab.listed(lab.source)]).toEqual([[], [], before])

    await writeFile(join(config, 'config.json'), JSON.stringify({ auths: { [registry.address]: { auth: Buffer.from('somebody:a:b c').toString('base64') } } }))
    const loaded = await route(await lab.job(), id)
    expect(loaded).toMatchObject({ id, notes: [] })
    expect(await lab.listed()).toEqual([{ Id: id, RepoTags: [loaded.temporaryName] }])
    await lab.settle(loaded, 'app')
    expect([await lab.listed(), await lab.listed(lab.source)]).toEqual([[{ Id: id, RepoTags: ['app:1'] }], before])
    await lab.expectWorks('app:1', saved)
    expect(await route(await lab.job(), id)).toMatchObject({ id, sentLayers: 0, presentLayers: 2 })
  }, limit)

  test('a container whose image is gone comes whole, as one layer', async () => {
    const id = await lab.commit()
    await lab.source.images.tag(id, 'lost', '1')
    const value = 'a "b" $HOME \\ c'
    await lab.sourceHost.docker(['run', '--name', 'orphan', '--network', 'none', '--env', `ODD=${value}`, '--label', `x.y=${value}`, '--workdir', '/tmp', '--user', '65534', 'lost:1'])
    await lab.source.images.remove('lost:1', { force: true })
    await lab.source.images.remove(id, { force: true })
    const container = await lab.source.containers.inspect('orphan')
    const thrown: unknown = await streamImage(await lab.job(), container.Image).catch((error: unknown) => error)
    expect({ thrown: String(thrown), lost: isImageLost(thrown) }).toMatchObject({ lost: true })
    const loaded = await streamFlattened(await lab.job(), container, 'its image is gone')
    expect(loaded).toMatchObject({ sentLayers: 1, notes: [expect.stringContaining('because its image is gone')] })
    await lab.settle(loaded, 'flat')
    const { Config } = await lab.target.images.inspect('flat:1')
    expect(Config).toMatchObject({ Env: expect.arrayContaining([`ODD=${value}`]), Labels: { 'x.y': value, made: 'here' }, WorkingDir: '/tmp', User: '65534', Cmd: ['sha256sum', '/tmp/noise'], Volumes: { '/data': {} } })
    const { exitCode, stdout } = await lab.targetHost.docker(['run', '--rm', '--network', 'none', 'flat:1'])
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^[0-9a-f]{64} {2}\/tmp\/noise\n$/)])
  }, limit)
})
