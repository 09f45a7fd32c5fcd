import { mkdirSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import type { LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { makeOddTree } from '../../trees/odd-tree.ts'
import { docker, expectExit, inspect, installDray, inventory, type Answer, type Dray, type Inventory } from './dray.ts'
import { useHost } from './use-host.ts'
import { dataOf, destroy, differences, mountpoint } from './whole-container.ts'

let host: LabHost
let dray: Dray
let before: Inventory

useHost(both => void ({ host, dray } = both))

const backedUp = ({ result }: Answer) => result.backups[0]!

/** Runs a backup, and expects the engine to be as it was. */
async function backup(args: readonly string[], exitCode = 0): Promise<Answer> {
  before = await inventory(host)
  const answer = expectExit(await dray('backup', ...args), exitCode)
  expect(await inventory(host)).toEqual(before)
  return answer
}

async function makeWeb(): Promise<void> {
  await host.sh(`set -e; S=${host.sharedDir}; mkdir -p $S/dir; echo dir > $S/dir/file
    docker run -d --name web --restart unless-stopped -v data:/data -v $S/dir:/dir -v cache:/cache --stop-signal KILL app:1 >/dev/null
    docker exec web sh -c 'echo stored > /data/file; echo layer > /layer; echo cached > /cache/x'`)
}

async function restoredWeb(...args: string[]): Promise<Answer> {
  await destroy(host)
  return expectExit(await dray('restore', 'latest', 'web', ...args), 0)
}

describe('--consistency', () => {
  test.each(['stop', 'none'] as const)('%s', async way => {
    await makeWeb()
    const { StartedAt } = (await inspect(host, 'web')).State as unknown as { StartedAt: string }
    expect(backedUp(await backup(['web', '--consistency', way]))).toMatchObject({ freeze: { wanted: way, way, disturbed: false } })
    const now = (await inspect(host, 'web')).State as unknown as { StartedAt: string; Running: boolean }
    expect(now.Running).toBe(true)
    if (way === 'stop') expect(now.StartedAt).not.toBe(StartedAt)
    else expect(now.StartedAt).toBe(StartedAt)
    expect((await restoredWeb()).result.restored).toMatchObject([{ differences: [], state: { status: 'running' } }])
    expect(await docker(host, 'exec', 'web', 'cat', '/data/file', '/dir/file', '/layer', '/cache/x')).toBe('stored\ndir\nlayer\ncached')
  }, 60_000)

  test('stop never stops one that would be removed by it', async () => {
    await host.sh('docker run -d --rm --name web -v data:/data app:1 >/dev/null')
    expect(backedUp(await backup(['web', '--consistency', 'stop']))).toMatchObject({ freeze: { wanted: 'stop', way: 'pause' } })
  }, 60_000)
})

describe('--reader', () => {
  test.each(['host', 'helper', 'api'] as const)('%s, for reading and writing', async reader => {
    await host.sh('docker run -d --name web -v data:/data app:1 >/dev/null; docker exec web sh -c "echo x > /layer"')
    await makeOddTree(await mountpoint(host, 'data'), { sparseBytes: 20 << 20, trusted: reader !== 'api' })
    const data = await dataOf(host, 'web', '/layer')
    const answer = await backup(['web', '--reader', reader], reader === 'api' ? 3 : 0)
    expect(backedUp(answer).mounts.map(mount => mount.reader)).toEqual([reader])
    if (reader === 'api') expect(backedUp(answer).mounts[0]!.losses).toEqual(expect.arrayContaining([expect.stringMatching(/times/), expect.stringMatching(/extended attributes/)]))
    await destroy(host)
    const back = expectExit(await dray('restore', 'latest', 'web', '--reader', reader), reader === 'api' ? 3 : 0)
    expect(back.result.restored).toMatchObject([{ differences: [], mounts: [{ reader, problems: [] }] }])
    const changed = differences(data, await dataOf(host, 'web', '/layer'))
    if (reader !== 'api') expect(changed).toEqual([])
    else expect(changed.filter(line => !/: (mtime|sparse|xattrs|mode) was /.test(line))).toEqual([])
  }, 60_000)
})

describe('images', () => {
  test('alone: a name and tag, a bare name with several tags, an id, and one that is not there', async () => {
    await host.sh('docker tag app:1 shop/app:1; docker tag app:1 shop/app:2')
    await busyboxImage(host, 'shop/app:3', { env: { OTHER: 'yes' } })
    await busyboxImage(host, 'shop/app-other:1', { env: { THIRD: 'yes' } })
    const names = async (...refs: string[]) => {
      const { result } = await backup(refs.flatMap(ref => ['--image', ref]))
      return (result as unknown as { images: { images: { names: string[] }[] } }).images.images.map(image => image.names)
    }
    expect(await names('app:1')).toEqual([['app:1']])
    expect((await names('shop/app')).sort()).toEqual([['shop/app:1', 'shop/app:2'], ['shop/app:3']])
    expect((await names('shop/app:3', 'app:1')).sort()).toEqual([['app:1'], ['shop/app:3']])
    const id = await docker(host, 'image', 'inspect', '--format', '{{.Id}}', 'app:1')
    expect(await names(id)).toEqual([['app:1', 'shop/app:1', 'shop/app:2']])
    expect(await names(id.slice(7, 19))).toEqual([['app:1', 'shop/app:1', 'shop/app:2']])
    await backup(['--image', 'nowhere'], 11)
    await backup(['--image', 'app:9'], 11)
    const { result } = await backup(['--image', 'shop/app'])
    expectExit(await dray('restore', result.ids[0]!), 11)
  }, 120_000)

  test('--no-image: data and spec alone; restored where the image is, refused where it is not', async () => {
    await makeWeb()
    expect(backedUp(await backup(['web', '--no-image'])).images).toEqual([])
    await host.sh('docker rm -fv web >/dev/null; docker volume rm data cache >/dev/null')
    expect(expectExit(await dray('restore', 'latest', 'web'), 0).result.restored).toMatchObject([{ differences: [] }])
    expect(await docker(host, 'exec', 'web', 'cat', '/data/file', '/dir/file')).toBe('stored\ndir')
    await destroy(host)
    const nothing = await inventory(host)
    const answer = await dray('restore', 'latest', 'web')
    expect(answer.exitCode).toBe(11)
    expect(answer.stderr).toContain('app:1')
    expect(await inventory(host)).toEqual(nothing)
    await backup(['--image', 'app:1', '--no-image', '--author', 'x'], 2)
  }, 60_000)

  test('--change, --author, --message and --image-tag concern the stored image, and not the container', async () => {
    await makeWeb()
    const { images } = backedUp(await backup(['web', '--change', 'CMD ["sleep", "5"]', '--change', 'LABEL made=here', '--author', 'A. Person', '--message', 'as of today', '--image-tag', 'shop/web:kept', '--image-tag', 'shop/web:2', '--tag', 'nightly']))
    expect(images).toMatchObject([{ role: 'changed', names: ['shop/web:kept', 'shop/web:2'] }, { role: 'commit', names: [] }, { role: 'original', names: ['app:1'] }])
    expect((await restoredWeb()).result.restored).toMatchObject([{ differences: [] }])
    const [image] = JSON.parse(await docker(host, 'image', 'inspect', 'shop/web:kept')) as [{ Author: string; Comment: string; Config: { Cmd: string[]; Labels: object } }]
    expect(image).toMatchObject({ Author: 'A. Person', Comment: 'as of today', Config: { Cmd: ['sleep', '5'], Labels: { made: 'here' } } })
    expect((await inspect(host, 'web')).Config).toMatchObject({ Cmd: ['sleep', '100000'], Image: 'app:1', Labels: {} })
    expect((await inventory(host)).images.map(line => line.split(' ')[0])).toEqual(['<none>:<none>', 'app:1', 'shop/web:2', 'shop/web:kept'])
  }, 60_000)

  test('--image-tag names the stored image also where the container wrote nothing', async () => {
    await host.sh('docker create --name web app:1 >/dev/null')
    expect(backedUp(await backup(['web', '--image-tag', 'shop/web:kept'])).images).toMatchObject([{ role: 'commit', names: ['shop/web:kept'] }, { role: 'original', names: ['app:1'] }])
    expect(backedUp(await backup(['web'])).images).toMatchObject([{ role: 'original', names: ['app:1'] }])
    expect(backedUp(await backup(['web', '--change', 'ENV A=b'])).images).toMatchObject([{ role: 'changed', names: [] }, { role: 'original' }])
    expect((await restoredWeb()).result.restored).toMatchObject([{ differences: [] }])
    expect((await inventory(host)).images.map(line => line.split(' ')[0])).toEqual(['app:1'])
  }, 60_000)

  test('gone under the container: the root file system is stored as one layer, restored, and runs', async () => {
    await host.sh('docker create --name web -e A=b -v data:/data app:1 sh -c "cat /layer /etc/passwd; sleep 100000" >/dev/null; echo layer > /tmp/layer; docker cp /tmp/layer web:/layer; rm /tmp/layer')
    await host.sh('docker rmi -f app:1 >/dev/null; docker images -aq | xargs -r docker rmi -f >/dev/null; docker start web >/dev/null')
    const answer = await backup(['web'])
    expect(backedUp(answer).images).toMatchObject([{ role: 'flattened', how: 'flattened', because: expect.stringContaining('is gone from the engine') }])
    expect(answer.stdout).toContain('stored as one layer instead')
    const again = backedUp(await backup(['web']))
    expect(again).toMatchObject({ storedBytes: 0 })
    expect((await restoredWeb()).result.restored).toMatchObject([{ differences: [], losses: [], state: { status: 'running' } }])
    expect(await docker(host, 'logs', 'web')).toContain('layer\nroot:x:0:0')
    expect((await inspect(host, 'web')).Config).toMatchObject({ Image: 'app:1' })
  }, 60_000)
})

describe('--exclude and --include', () => {
  test('a volume by name, a mount by its place, a glob; what is excluded comes back empty', async () => {
    await makeWeb()
    const excluded = backedUp(await backup(['web', '--exclude', 'cache', '--exclude', '/di*']))
    expect(excluded.mounts.map(({ source }) => source)).toEqual(['data'])
    expect(excluded.leftOut.map(({ destination, reason }) => `${destination}: ${reason}`).sort()).toEqual(['/cache: excluded, as asked', '/dir: excluded, as asked'])
    await backup(['web', '--exclude', 'nothing-of-it'], 2)
    await destroy(host)
    expectExit(await dray('restore', 'latest', 'web'), 12)
    mkdirSync(`${host.sharedDir}/dir`)
    expect(expectExit(await dray('restore', 'latest', 'web'), 0).result.restored).toMatchObject([{ differences: [] }])
    expect(await docker(host, 'exec', 'web', 'sh', '-c', 'cat /data/file; ls /cache /dir')).toBe('stored\n/cache:\n\n/dir:')
  }, 60_000)

  test('paths of the host are captured when they are asked for', async () => {
    await host.sh('mkdir -p /run/app; echo run > /run/app/file; docker run -d --name web -v /run/app:/run/app -v /etc/localtime:/etc/localtime:ro app:1 >/dev/null')
    expect(backedUp(await backup(['web'])).leftOut.map(({ destination }) => destination).sort()).toEqual(['/etc/localtime', '/run/app'])
    const asked = backedUp(await backup(['web', '--include', '/run/app']))
    expect(asked.mounts.map(({ source }) => source)).toEqual(['/run/app'])
    await destroy(host)
    await host.sh('rm -r /run/app')
    expectExit(await dray('restore', 'latest', 'web'), 0)
    expect(await host.sh('cat /run/app/file')).toBe('run\n')
  }, 60_000)
})

describe('through ssh', () => {
  test('as source and as target, with everything of the data', async () => {
    await using over = await installDray({ PATH: host.ssh.env.PATH })
    await makeWeb()
    await makeOddTree(await mountpoint(host, 'data'), { sparseBytes: 20 << 20 })
    const data = await dataOf(host, 'web', '/layer')
    const stock = await inventory(host)
    const { result } = expectExit(await over('backup', 'web', '-H', host.ssh.endpoint), 0)
    expect(result.backups[0]!.mounts.map(({ reader }) => reader)).toEqual(['host', 'host', 'host'])
    expect(await inventory(host)).toEqual(stock)
    await destroy(host)
    expect(expectExit(await over('restore', 'latest', 'web', '--to', host.ssh.endpoint), 0).result.restored).toMatchObject([{ differences: [], losses: [], state: { status: 'running' } }])
    expect(differences(data, await dataOf(host, 'web', '/layer'))).toEqual([])
  }, 120_000)
})
