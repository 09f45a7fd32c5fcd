import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { at, docker, expectExit, inspect, installDray, type Dray } from '../../engine/cli/dray.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'

const twoPorts = 'docker run -d --name web --stop-signal KILL -p 18080:80 -p 18081:81 app:1 >/dev/null'
let old: LabHost
let containerd: LabHost
let dray: Dray

beforeAll(async () => {
  [old, containerd] = await Promise.all([startHost({ engine: '20.10' }), startHost({ engine: '28.5' })])
  dray = await installDray({ ...old.ssh.env })
  for (const host of [old, containerd]) await busyboxImage(host, 'app:1', { cmd: ['sleep', '100000'] })
}, 180_000)
afterAll(async () => {
  await Promise.all([old[Symbol.asyncDispose](), containerd[Symbol.asyncDispose](), dray[Symbol.asyncDispose]()])
}, 60_000)

const bindings = async (host: LabHost, name: string): Promise<object> => (await inspect(host, name)).HostConfig['PortBindings'] as object

test('on a containerd engine a restored container publishes one port elsewhere and the other not at all', async () => {
  await containerd.sh(twoPorts)
  expectExit(await dray('-H', at(containerd), 'backup', 'web'), 0)
  const { result } = expectExit(await dray('-H', at(containerd), 'restore', 'latest', 'web', '--name', 'web2', '--map-port', '18080:none', '--map-port', '18081:18082'), 0)
  expect(result.restored).toMatchObject([{ differences: [] }])
  expect(await bindings(containerd, 'web2')).toEqual({ '81/tcp': [{ HostIp: '', HostPort: '18082' }] })
  expect(await docker(containerd, 'port', 'web2')).not.toContain('18080')
}, 120_000)

test.each([['an old engine to a containerd one', 'forth'], ['a containerd engine to an old one', 'back']])('migrated from %s, where the port is taken', async (_name, way) => {
  const [from, to] = way === 'forth' ? [old, containerd] : [containerd, old]
  await from.sh(`docker rm -f web web2 >/dev/null 2>&1; ${twoPorts}`)
  await to.sh('docker rm -f web web2 >/dev/null 2>&1; docker run -d --name other --stop-signal KILL -p 18080:80 app:1 >/dev/null')
  const migrate = (...more: string[]) => dray('migrate', 'web', at(from), at(to), ...more)
  expect(expectExit(await migrate(), 12).stderr).toContain('port 18080/tcp is taken by container \\"other\\"')
  const { result } = expectExit(await migrate('--map-port', '18080:none'), 0)
  expect(result).toMatchObject({ containers: [{ name: 'web', differences: [], losses: [] }] })
  expect(await bindings(to, 'web')).toEqual({ '81/tcp': [{ HostIp: '', HostPort: '18081' }] })
  expect((await inspect(to, 'web')).State.Status).toBe('running')
  await to.sh('docker rm -f other >/dev/null')
}, 180_000)
