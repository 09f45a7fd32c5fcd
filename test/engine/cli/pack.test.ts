import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { busyboxImage } from '../../lab/images.ts'
import { docker, expectExit, inspect, inventory } from './dray.ts'
import { packContract, packLab } from './pack-contract.ts'
import { mountpoint } from './whole-container.ts'

const lab = packLab({ engine: '20.10' })
packContract(lab)

test('a mount of a container that runs, by where it is; what an image cannot hold is named; what stands in the way stays', async () => {
  const { host, dray } = lab()
  await busyboxImage(host, 'app:1', { cmd: ['sleep', '100000'] })
  mkdirSync(`${host.sharedDir}/bind`)
  writeFileSync(`${host.sharedDir}/bind/file`, 'bound')
  await host.sh(`docker run -d --name web --stop-signal KILL -v data:/var/lib/app -v ${host.sharedDir}/bind:/conf app:1 >/dev/null; docker exec web sh -c 'echo one > /var/lib/app/one; mkdir /var/lib/app/.wh.d; touch /var/lib/app/.wh.d/x'`)
  const before = await inventory(host)
  const packed = expectExit(await dray('pack', 'web:/var/lib/app', '-t', 'example/app'), 3)
  expect(packed.result).toMatchObject({ path: '/var/lib/app', source: 'web:/var/lib/app', notes: [expect.stringContaining('"./.wh.d" is not in the image'), expect.stringContaining('"./.wh.d/x"')] })
  expect((await inspect(host, 'web')).State.Status).toBe('running')
  expectExit(await dray('pack', 'web:/conf', '-t', 'example/conf:1', '--path', '/conf/'), 0)
  // without a name: the image declares a volume, which is filled by itself
  await docker(host, 'create', '--name', 'anonymous', 'example/conf:1')
  const [volume] = (await inspect(host, 'anonymous')).Mounts
  expect(readFileSync(join(await mountpoint(host, volume?.Name ?? ''), 'file'), 'utf8')).toBe('bound')
  // the newer image gets the name
  writeFileSync(`${host.sharedDir}/bind/file`, 'newer')
  expectExit(await dray('pack', 'web:/conf', '-t', 'example/conf:1'), 0)
  expectExit(await dray('unpack', 'example/conf:1', '--to', 'conf2'), 0)
  expect(readFileSync(join(await mountpoint(host, 'conf2'), 'file'), 'utf8')).toBe('newer')
  expect(expectExit(await dray('unpack', 'example/conf:1', '--to', 'conf2'), 12).stderr).toContain('volume \\"conf2\\" is not empty')
  expect(expectExit(await dray('unpack', 'example/app', '--to', 'data'), 12).stderr).toContain('container \\"web\\" runs with volume')
  expectExit(await dray('unpack', 'example/app', '--path', '/nowhere', '--to', 'data3'), 11)
  expectExit(await dray('unpack', 'app:1', '--to', 'data3'), 2)
  expectExit(await dray('pack', 'nothing', '-t', 'example/none'), 11)
  expectExit(await dray('pack', 'data', '-t', 'Wrong Name'), 2)
  const after = await inventory(host)
  expect(after.volumes.filter(line => !before.volumes.includes(line) && !line.startsWith(volume?.Name ?? '-'))).toEqual(['conf2 local'])
  expect(after.containers.filter(line => !line.startsWith('anonymous'))).toEqual(before.containers)
}, 120_000)
