import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import type { LabHost } from '../../lab/host.ts'
import { docker, expectExit, inspect, inventory, type Dray } from './dray.ts'
import { editPlan, usePlans } from './use-plans.ts'

let host: LabHost
let dray: Dray
let file: string

usePlans(plans => void ({ host, dray, file } = plans))

const edit = (...changes: readonly (readonly [RegExp | string, string])[]): void => editPlan(file, ...changes)

test('a plan of several containers, beside what is there: says what is in the way, and after editing does what it says', async () => {
  const before = await inventory(host)
  const written = expectExit(await dray('restore', 'latest', 'web', 'side', '--plan-out', file), 0)
  expect(await inventory(host)).toEqual(before)
  expect(written.result).toMatchObject({ plan: file, containers: [{ container: 'web', name: 'web' }, { container: 'side', name: 'side' }] })
  const text = readFileSync(file, 'utf8')
  expect(text).toMatch(/# IN THE WAY: there is a container "web" already \(running\)\n +name: web\n/)
  expect(text).toMatch(/# IN THE WAY: port 18080\/tcp is taken by container "web"; 18081 is free\n +- from: 18080\n +to: 18080\n/)
  expect(text).toMatch(/# at \/data: 2 entries, 7 B\n +# IN THE WAY: volume "data" is there and not empty\n +- from: data\n +to: data\n +data: restore\n/)
  expectExit(await dray('restore', '--plan', file), 12)
  expect(await inventory(host)).toEqual(before)
  edit(['name: web', 'name: web2'], ['name: side', 'name: side2'], ['to: 18080', 'to: 18090'], ['to: 127.0.0.1:18443', 'to: 127.0.0.1:18444'], ['to: cache', 'to: cache2'], [`to: ${host.sharedDir}/dir`, `to: ${host.sharedDir}/other/dir`], ['to: front', 'to: back'], [/to: data\n/, 'to: data2\n'], [/to: data\n/, 'to: data2\n'])
  const looked = expectExit(await dray.plain(['restore', '--plan', file, '--dry-run']), 0)
  expect(looked.stdout).toMatch(/would restore container "web2"[^]*makes +network "back"[^]*volume "data2"[^]*would restore container "side2"/)
  expect(await inventory(host)).toEqual(before)
  expectExit(await dray('restore', '--plan', file), 0)
  const web = await inspect(host, 'web2')
  expect(web.HostConfig['PortBindings']).toEqual({ '80/tcp': [{ HostIp: '', HostPort: '18090' }], '443/udp': [{ HostIp: '127.0.0.1', HostPort: '18444' }] })
  expect(web.Mounts.map(({ Destination, Name, Source, Type }) => `${Destination} ${Type === 'volume' ? Name : Source}`).sort()).toEqual(['/cache cache2', '/data data2', `/dir ${host.sharedDir}/other/dir`])
  expect(Object.keys(web.NetworkSettings.Networks)).toEqual(['back'])
  expect((await inspect(host, 'side2')).Mounts).toMatchObject([{ Name: 'data2' }])
  expect(await docker(host, 'exec', 'web2', 'cat', '/data/file', '/cache/file', '/dir/file')).toBe('stored\nstored\nbind')
  expect((await inventory(host)).containers).toEqual(expect.arrayContaining([...before.containers]))
}, 60_000)

test.each<[string, [RegExp | string, string][], RegExp | string, string]>([
  ['a volume', [['from: cache', 'from: cach']], 'from: cach\n', '"cach" names no volume of the backup'],
  ['one that is not to be renamed', [['from: cache\n', 'from: cach\n'], ['to: cache\n', 'to: cach\n']], 'from: cach\n', '"cach" names no volume of the backup'],
  ['a port', [['from: 18080', 'from: 18081'], ['to: 18080', 'to: 18081']], 'from: 18081\n', '"18081" names no published port of the backup'],
  ['a network, where data alone is restored', [['from: front', 'from: frnt'], ['reader: auto', 'only: data\nreader: auto']], 'from: frnt\n', '"frnt" names no network of the backup'],
])('%s that the backup does not know is named with its line', async (_name, changes, mistake, message) => {
  await host.sh('docker rm -f web side >/dev/null; docker network rm front >/dev/null')
  const before = await inventory(host)
  expectExit(await dray('restore', 'latest', 'web', '--plan-out', file), 0)
  edit(...changes)
  const text = readFileSync(file, 'utf8')
  const line = text.slice(0, text.search(mistake)).split('\n').length
  expect(expectExit(await dray.plain(['restore', '--plan', file]), 2).stderr).toContain(`"${file}", line ${line}: ${message}`)
  expect(await inventory(host)).toEqual(before)
}, 60_000)
