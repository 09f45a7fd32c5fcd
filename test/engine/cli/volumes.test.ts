import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import type { LabHost } from '../../lab/host.ts'
import { snapshotTree } from '../../trees/snapshot-tree.ts'
import { docker, expectExit, type Answer, type Dray } from './dray.ts'
import { useHost } from './use-host.ts'
import { mountpoint } from './whole-container.ts'

let host: LabHost
let dray: Dray

useHost(both => void ({ host, dray } = both), async () => {
  await host.sh(`docker volume create --label a=b data >/dev/null; docker volume create lonely >/dev/null
    docker run -d --name web -v data:/data -v ${host.sharedDir}:/shared:ro app:1 >/dev/null
    docker exec web sh -c 'mkdir -p /data/conf/sub; echo one > /data/conf/app.conf; chown 7:8 /data/conf/app.conf; ln /data/conf/app.conf /data/same; ln -s /etc /data/leads-out'`)
})

// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
const resultOf = <Result = object>({ result }: Answer): Result => result as unknown as Result
const volumesOf = async (): Promise<string[]> => (await docker(host, 'volume', 'ls', '-q')).trim().split('\n').sort()

test('volumes are listed with who has them and their last backup; orphans alone; sizes', async () => {
  expectExit(await dray('backup', 'web'), 0)
  const { volumes } = resultOf<{ volumes: { source: string }[] }>(expectExit(await dray('volumes', '--size'), 0))
  expect(volumes).toMatchObject([
    { kind: 'volume', source: 'data', driver: 'local', labels: { a: 'b' }, users: [{ container: 'web', state: 'running', path: '/data', readOnly: false }], lastBackup: {}, size: { entries: 6, dataBytes: 8 } },
    { kind: 'volume', source: 'lonely', users: [], size: { entries: 1 } },
    { kind: 'bind', source: host.sharedDir, users: [{ path: '/shared', readOnly: true }] },
  ])
  expect(volumes[1]).not.toHaveProperty('lastBackup')
  const { stdout } = await dray.plain(['volumes', '--orphans'])
  expect(stdout).toMatch(/^KIND +NAME OR PATH +CONTAINERS +LAST BACKUP\nvolume +lonely +- +none\n$/)
}, 60_000)

test('a volume is backed up while its container is paused, restored beside and in place, and cloned', async () => {
  const original = snapshotTree(await mountpoint(host, 'data'))
  const { backups: [made] } = resultOf<{ backups: { id: string }[] }>(expectExit(await dray('volume', 'backup', 'data', '--tag', 'mine'), 0))
  expect((await docker(host, 'inspect', '-f', '{{.State.Status}}', 'web')).trim()).toBe('running')
  expect(resultOf(expectExit(await dray('volume', 'backup', 'data'), 0))).toMatchObject({ backups: [{ entries: 6 }] })
  expect(resultOf(expectExit(await dray('list'), 0))).toMatchObject({ backups: [{ id: made!.id, containers: [], volumes: ['data'], tags: ['mine'] }, {}] })

  expectExit(await dray('volume', 'restore', 'latest', 'data', '--name', 'data2'), 0)
  expect(snapshotTree(await mountpoint(host, 'data2'))).toEqual(original)
  expect((await docker(host, 'volume', 'inspect', '-f', '{{json .Labels}}', 'data2')).trim()).toBe('{"a":"b"}')

  expectExit(await dray('volume', 'restore', made!.id, '--replace'), 12)
  await host.sh('docker exec web sh -c "echo two > /data/new; rm /data/same"; docker stop -t 0 web >/dev/null')
  expectExit(await dray('volume', 'restore', made!.id), 12)
  const { replacedIn } = resultOf<{ replacedIn: string }>(expectExit(await dray('volume', 'restore', made!.id, '--replace'), 0))
  expect(snapshotTree(await mountpoint(host, 'data'))).toEqual(original)
  expect((await dray.plain(['cat', `${replacedIn}:data/new`])).stdout).toBe('two\n')

  expectExit(await dray('volume', 'clone', 'data', 'copy'), 0)
  expect(snapshotTree(await mountpoint(host, 'copy'))).toEqual(original)
  expectExit(await dray('volume', 'clone', 'data', 'copy'), 12)
  expect(await volumesOf()).toEqual(['copy', 'data', 'data2', 'lonely'])
}, 120_000)

test('orphans are removed after a backup, and come back; volumes that somebody has stay', async () => {
  writeFileSync(join(await mountpoint(host, 'lonely'), 'file'), 'kept\n')
  expectExit(await dray('volume', 'rm', '--orphans'), 2)
  expectExit(await dray('volume', 'rm', 'data', '-y'), 12)
  expect(await volumesOf()).toEqual(['data', 'lonely'])
  expect(resultOf(expectExit(await dray('volume', 'rm', '--orphans', '-y'), 0))).toMatchObject({ removed: [{ volume: 'lonely' }] })
  expect(await volumesOf()).toEqual(['data'])
  expectExit(await dray('volume', 'restore', 'latest', 'lonely'), 0)
  expect(await host.sh('docker run --rm -v lonely:/l app:1 cat /l/file')).toBe('kept\n')
  expectExit(await dray('volume', 'rm', 'lonely', '--no-backup', '-y'), 0)
  expect(await volumesOf()).toEqual(['data'])
}, 60_000)

test('files go straight into the volume of a running container, and nowhere else', async () => {
  expectExit(await dray('backup', 'web'), 0)
  await host.sh('docker exec web sh -c "echo broken > /data/conf/app.conf; rm -rf /data/conf/sub"')
  expectExit(await dray('extract', 'latest:data/conf', '--into', 'web:/data'), 12)
  expectExit(await dray('extract', 'latest:data/conf', '--into', 'web:/data', '--force'), 0)
  expect(await host.sh('docker exec web sh -c "cat /data/conf/app.conf; stat -c %u:%g /data/conf/app.conf; ls -A /data"')).toBe('one\n7:8\nconf\nleads-out\nsame\n')
  expectExit(await dray('extract', 'latest:data/conf', '--into', 'web:/data/leads-out'), 12)
  expectExit(await dray('extract', 'latest:data/conf', '--into', 'web:/data/nothing'), 11)
  expectExit(await dray('extract', 'latest:data/conf', '--into', 'web:/tmp'), 2)
}, 60_000)
