import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { makeProject, projectOf, services, statusesOf } from '../../engine/cli/compose-project.ts'
import { at, docker, expectExit, inspect, installDray, type Dray } from '../../engine/cli/dray.ts'
import { composeOf, type ComposeVersion } from '../../lab/compose.ts'
import type { EngineName } from '../../lab/engines.ts'
import { startHost, type LabHost } from '../../lab/host.ts'

const cases: readonly (readonly [ComposeVersion, EngineName, EngineName])[] = [['2.26', '20.10', '20.10'], ['2.26', '20.10', '26.1'], ['2.26', '28.5', '28.5'], ['2.40', '26.1', '26.1'], ['2.40', '28.5', '28.5']]

describe.each(cases)('a project of five services of compose %s, from %s to %s', (version, from, to) => {
  const compose = composeOf(version)
  let one: LabHost
  let two: LabHost
  let dray: Dray
  let folder: string

  beforeAll(async () => {
    [one, two] = await Promise.all([startHost({ engine: from }), startHost({ engine: to })])
    dray = await installDray()
    folder = join(dray.home, 'shop')
    await makeProject(one, folder, compose)
  }, 240_000)
  afterAll(async () => {
    await Promise.all([one[Symbol.asyncDispose](), two[Symbol.asyncDispose](), dray[Symbol.asyncDispose]()])
  }, 60_000)

  test('is one backup, and comes back on another host with the same states; compose finds it up to date', async () => {
    const before = await projectOf(one)
    const sidecarBefore = await inspect(one, 'shop-sidecar-1')
    expect(statusesOf(before)).toEqual({ db: 'running', job: 'exited', sidecar: 'running', web1: 'running', web2: 'running' })
    const { result: { backups: [backup] } } = expectExit(await dray('backup', '--project', 'shop', '-H', at(one)), 0)
    expect(backup).toMatchObject({ project: 'shop' })
    expect((backup as unknown as { containers: { name: string }[] }).containers.map(({ name }) => name).sort()).toEqual(services.map(service => `shop-${service}-1`))
    const { result } = expectExit(await dray('restore', backup!.id, '--to', at(two)), 0)
    expect(result.restored).toHaveLength(services.length)
    for (const each of result.restored) expect(each).toMatchObject({ differences: [] })
    const after = await projectOf(two)
    expect(statusesOf(after)).toEqual({ ...statusesOf(before), job: 'created' })
    const [sidecar, web1] = [await inspect(two, 'shop-sidecar-1'), await inspect(two, 'shop-web1-1')]
    expect([sidecar.HostConfig.NetworkMode, sidecar.HostConfig['PidMode']]).toEqual([`container:${web1.Id}`, `container:${web1.Id}`])
    expect(await docker(two, 'exec', 'shop-web2-1', 'cat', '/www/index.html', '/www/job')).toBe('the page\ndone')
    expect(await docker(two, 'exec', 'shop-web1-1', 'cat', '/etc/changed')).toBe('changed')

    const ps = await compose(two, folder, 'ps', '--all', '--format', '{{.Service}}')
    expect(ps.stdout.trim().split('\n').sort()).toEqual([...services])
    const up = await compose(two, folder, 'up', '-d')
    expect(up).toMatchObject({ exitCode: 0 })
    // The id of web1 is part of what compose hashes for "network_mode: service:web1": the label holds the hash with its new id.
    expect(up.stderr.match(/Container \S+ +(?:Recreate|Creating|Created)\b/g) ?? []).toEqual([])
    expect(sidecar.Config.Labels?.['com.docker.compose.config-hash']).not.toBe(sidecarBefore.Config.Labels?.['com.docker.compose.config-hash'])
    expect(result.restored.flatMap(each => (each as unknown as { notes: string[] }).notes.filter(note => note.includes('docker compose up -d')))).toEqual([])
    const idsOf = (project: typeof after) => Object.entries(project).map(([service, { id }]) => [service, id])
    expect(idsOf(await projectOf(two))).toEqual(idsOf(after))
    const down = await compose(two, folder, 'down', '--volumes')
    expect(down).toMatchObject({ exitCode: 0 })
    expect(await docker(two, 'ps', '-aq')).toBe('')
    expect(await docker(two, 'volume', 'ls', '-q')).toBe('')
    expect(await docker(two, 'network', 'ls', '-q', '--filter', 'type=custom')).toBe('')
  }, 240_000)

  test('comes back in place of itself, and is put back when the restore fails', async () => {
    await docker(one, 'exec', 'shop-web1-1', 'sh', '-c', 'echo later > /www/index.html')
    expectExit(await dray('restore', 'latest', '--replace', '--to', at(one)), 0)
    expect(await docker(one, 'exec', 'shop-web2-1', 'cat', '/www/index.html')).toBe('the page')
    await docker(one, 'exec', 'shop-web1-1', 'sh', '-c', 'echo later > /www/index.html')
    const before = await projectOf(one)
    const failed = await dray('restore', 'latest', '--replace', '--to', at(one), '--health-timeout', '0.001')
    expect(failed).toMatchObject({ exitCode: 40, stderr: expect.stringContaining('did not become healthy') })
    expect(await projectOf(one)).toEqual(before)
    expect(await docker(one, 'exec', 'shop-web2-1', 'cat', '/www/index.html')).toBe('later')
    expect(await docker(one, 'ps', '-a', '--filter', 'name=drayage', '-q')).toBe('')
  }, 240_000)
})
