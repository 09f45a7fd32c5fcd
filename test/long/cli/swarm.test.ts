import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { at, docker, expectExit, inspect, installDray, type Dray } from '../../engine/cli/dray.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'

describe.each(['20.10', '28.5'] as const)('a swarm of one %s engine', engine => {
  let one: LabHost
  let two: LabHost
  let dray: Dray

  beforeAll(async () => {
    [one, two, dray] = await Promise.all([startHost({ engine }), startHost({ engine }), installDray()])
    await busyboxImage(one, 'box:1', { cmd: ['sleep', '100000'] })
    await docker(one, 'swarm', 'init', '--advertise-addr', one.address)
    await docker(one, 'network', 'create', '--driver', 'overlay', '--attachable', 'wide')
    await one.sh('echo secret | docker secret create password -')
    await docker(one, 'service', 'create', '--name', 'api', '--secret', 'password', '--network', 'wide', '--mount', 'type=volume,src=api-data,dst=/data', '--no-resolve-image', 'box:1')
    await docker(one, 'run', '-d', '--name', 'alone', '--network', 'wide', 'box:1')
  }, 180_000)
  afterAll(async () => {
    await Promise.all([one[Symbol.asyncDispose](), two[Symbol.asyncDispose](), dray[Symbol.asyncDispose]()])
  }, 60_000)

  test('has tasks that are refused, and says what to do; the others are backed up', async () => {
    const { exitCode, stderr, stdout } = await dray.plain(['backup', '--all', '-H', at(one)])
    expect(exitCode).toBe(3)
    expect(stdout.trim().split('\n')).toHaveLength(1)
    expect(stderr).toMatch(/container "api\.1\.\w+" is not backed up: container "api\.1\.\w+" is a task of the swarm service "api", which makes and replaces it by itself; keep the definition of the service, its secrets and configs: .*docker service inspect api/)
    const [task = ''] = (await docker(one, 'ps', '-q', '--filter', 'name=api')).split('\n')
    expectExit(await dray('backup', task, '-H', at(one)), 14)
  }, 120_000)

  test('a container of an overlay network needs a manager on the target, and comes back there', async () => {
    const refused = expectExit(await dray('restore', 'latest', 'alone', '--to', at(two)), 12)
    expect(refused.stderr + refused.stdout).toContain('network \\"wide\\" is an overlay network of a swarm, and the target is no manager of one')
    await docker(two, 'swarm', 'init', '--advertise-addr', two.address)
    const { result } = expectExit(await dray('restore', 'latest', 'alone', '--to', at(two)), 0)
    expect(result.restored[0]).toMatchObject({ differences: [] })
    expect(Object.keys((await inspect(two, 'alone')).NetworkSettings.Networks)).toEqual(['wide'])
  }, 120_000)
})
