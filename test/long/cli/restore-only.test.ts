import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { startHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { at, docker, expectExit, inspect, installDray, inventory } from '../../engine/cli/dray.ts'
import { destroy, mountpoint } from '../../engine/cli/whole-container.ts'

test('a container in three parts: its image, its data, its spec; and its data alone in place of what is there', async () => {
  await using host = await startHost({ engine: '20.10' })
  await using dray = await installDray({ DOCKER_HOST: at(host) })
  const S = host.sharedDir
  await busyboxImage(host, 'app:1', { cmd: ['sleep', '100000'], volumes: ['/own'] })
  await host.sh(`set -e; mkdir ${S}/dir; docker network create front >/dev/null
    docker run -d --name web --stop-signal KILL --network front -e COLOUR=blue -v data:/data -v ${S}/dir:/dir app:1 >/dev/null
    docker exec web sh -c 'echo stored > /data/file; echo stored > /dir/file; echo stored > /own/file; echo layer > /layer'`)
  expectExit(await dray('backup', 'web'), 0)
  await destroy(host)
  await host.sh(`rm -r ${S}/dir; docker network rm front >/dev/null 2>&1 || true`)
  const nothing = await inventory(host)
  expect(expectExit(await dray('restore', 'latest', 'web', '--only', 'spec'), 12).stderr).toContain('only the spec is restored')
  expectExit(await dray('restore', 'latest', 'web', '--only', 'data', '--dry-run'), 0)
  expect(await inventory(host)).toEqual(nothing)

  expectExit(await dray('restore', 'latest', 'web', '--only', 'image'), 0)
  expect((await inventory(host)).images).toEqual([expect.stringMatching(/^app:1 /)])
  const parts = expectExit(await dray('restore', 'latest', 'web', '--only', 'data'), 3)
  expect(parts.result).toMatchObject({ parts: [{ notes: [expect.stringContaining('the anonymous volume at /own has no place')] }] })
  expect(await inventory(host)).toMatchObject({ containers: [], volumes: ['data local'] })
  expect(readFileSync(`${S}/dir/file`, 'utf8')).toBe('stored\n')
  expectExit(await dray('restore', 'latest', 'web', '--only', 'spec'), 0)
  const web = await inspect(host, 'web')
  expect([web.State.Status, Object.keys(web.NetworkSettings.Networks), web.Config.Env]).toMatchObject(['running', ['front'], expect.arrayContaining(['COLOUR=blue'])])
  expect(await docker(host, 'exec', 'web', 'sh', '-c', 'cat /data/file /dir/file; ls /own; test ! -e /layer')).toBe('stored\nstored')

  writeFileSync(join(await mountpoint(host, 'data'), 'file'), 'later\n')
  expect(expectExit(await dray('restore', 'latest', 'web', '--only', 'data', '--replace'), 12).stderr).toContain('is in use by container \\"web\\"')
  await docker(host, 'stop', 'web')
  const { result } = expectExit(await dray('restore', 'latest', 'web', '--only', 'data', '--replace'), 0)
  expect(await docker(host, 'inspect', '-f', '{{.Id}}', 'web')).toBe(web.Id)
  await docker(host, 'start', 'web')
  expect(await docker(host, 'exec', 'web', 'cat', '/data/file', '/own/file', '/dir/file')).toBe('stored\nstored\nstored')
  const [replacedIn] = (result as unknown as { parts: [{ replacedIn: string[] }] }).parts[0].replacedIn
  await docker(host, 'stop', 'web')
  expectExit(await dray('volume', 'restore', replacedIn!, 'data', '--replace'), 0)
  expect(readFileSync(join(await mountpoint(host, 'data'), 'file'), 'utf8')).toBe('later\n')
  await destroy(host)
}, 120_000)
