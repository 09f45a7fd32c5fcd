import '../../one-realm.ts'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { join } from 'node:path'
import { exportWeb, expectLoaded, expectRestoredElsewhere, type Exported } from '../../engine/cli/exported-contract.ts'
import { must } from '../../lab/command.ts'
import { startHost } from '../../lab/host.ts'
import { ensurePackages } from '../../lab/packages.ts'

const formats = ['tar', 'tar.gz', 'tar.zst']

describe.each(['20.10', '28.5'] as const)('what %s had', source => {
  let exported: Exported
  beforeAll(async () => {
    exported = await exportWeb(source)
  }, 300_000)
  afterAll(async () => {
    await exported[Symbol.asyncDispose]()
  })

  test.each(['26.1', '28.5', '28.5-overlay2'] as const)('is loaded and restored by %s', async engine => {
    await using host = await startHost({ engine })
    await expectLoaded(host, exported, formats)
    await expectRestoredElsewhere(host, exported)
  }, 300_000)

  test('is loaded by 20.10', async () => {
    await using host = await startHost({ engine: '20.10' })
    await expectLoaded(host, exported, ['tar', 'tar.gz'])
  }, 120_000)

  test('is loaded by podman', async () => {
    await ensurePackages('podman')
    const podman = (...args: string[]): Promise<string> => must('podman', ['--root', join(exported.folder, 'podman'), '--runroot', join(exported.folder, 'podman-run'), '--storage-driver', 'vfs', ...args])
    for (const load of [['load', '-i', exported.file('tar')], ['load', '-i', exported.file('tar.zst')]]) {
      expect(await podman(...load)).toContain(`localhost/${exported.name}`)
      await podman('image', 'rm', '--all', '--force')
    }
    // Debian's podman 4.3 and skopeo 1.9 read no docker-archive that is compressed with gzip, of whatever origin
    expect(await must('bash', ['-o', 'pipefail', '-c', `zcat "${exported.file('tar.gz')}" | podman --root "${exported.folder}/podman" --runroot "${exported.folder}/podman-run" --storage-driver vfs load`])).toContain('localhost/box:1')
    await podman('system', 'reset', '--force')
  }, 300_000)

  test('is read by skopeo, as a docker archive and as an OCI layout', async () => {
    await ensurePackages('skopeo')
    const inspect = async (source: string): Promise<{ Layers: string[] }> => JSON.parse(await must('skopeo', ['inspect', source])) as { Layers: string[] }
    for (const format of ['tar', 'tar.zst']) expect((await inspect(`docker-archive:${exported.file(format)}:${exported.name}`)).Layers).toHaveLength(2)
    for (const format of ['tar', 'tar.gz']) for (const name of [exported.name, exported.id]) expect((await inspect(`oci-archive:${exported.file(format)}:${name}`)).Layers).toHaveLength(2)
  }, 120_000)
})
