import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { at, docker, expectExit, installDray, type Dray } from '../../engine/cli/dray.ts'
import { startHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { startRegistry, type LabRegistry } from '../../lab/registry.ts'

const limit = 180_000

describe.each(['20.10', '28.5'] as const)('a backup that %s made is an image of the registry', source => {
  let registry: LabRegistry
  let dray: Dray
  let id: string

  beforeAll(async () => {
    [registry, dray] = await Promise.all([startRegistry(), installDray()])
    await using host = await startHost({ engine: source })
    await busyboxImage(host, 'box:1', { cmd: ['sh', '-c', 'cat /own; exec sleep 1000'] })
    await docker(host, 'run', '-d', '--name', 'web', 'box:1')
    await docker(host, 'exec', 'web', 'sh', '-c', 'echo written > /own')
    expectExit(await dray('backup', 'web', '-H', at(host)), 0)
    id = (expectExit(await dray('push', 'latest', `${registry.address}/team/web:newest`, '--insecure'), 0).result as unknown as { id: string }).id
  }, limit)
  afterAll(async () => {
    await Promise.all([registry[Symbol.asyncDispose](), dray[Symbol.asyncDispose]()])
  }, limit)

  test.each(['20.10', '26.1', '28.5', '28.5-overlay2'] as const)('that %s pulls by the id and by the tag, and runs', async engine => {
    await using host = await startHost({ engine, insecureRegistries: [registry.address] })
    for (const tag of [id, 'newest']) {
      const reference = `${registry.address}/team/web:${tag}`
      await docker(host, 'pull', '-q', reference)
      expect(await docker(host, 'run', '--rm', '--entrypoint', 'cat', reference, '/own')).toBe('written')
      await docker(host, 'rmi', reference)
    }
  }, limit)
})
