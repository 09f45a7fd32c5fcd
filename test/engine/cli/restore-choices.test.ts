import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import type { LabHost } from '../../lab/host.ts'
import { docker, expectExit, inspect, inventory, type Answer, type Dray, type Inventory } from './dray.ts'
import { useHost } from './use-host.ts'
import { dataOf, destroy, differences, mountpoint } from './whole-container.ts'

let host: LabHost
let dray: Dray

useHost(both => void ({ host, dray } = both))

const restored = ({ result }: Answer) => result.restored[0]!

/** "web", with a volume, a bind directory, a bind file, a port and something in its writable layer. */
async function makeWeb(): Promise<void> {
  await host.sh(`set -e; S=${host.sharedDir}; mkdir -p $S/dir; echo dir > $S/dir/file; echo conf > $S/conf; docker volume create --label a=b data >/dev/null
    docker run -d --name web -p 18080:80 -v data:/data -v $S/dir:/dir -v $S/conf:/etc/conf --stop-signal KILL app:1 >/dev/null
    docker exec web sh -c 'echo stored > /data/file; echo layer > /layer'`)
}

describe('states', () => {
  test('created, exited, paused and running ones come back as they were; what had ended is not started', async () => {
    await host.sh('docker create --name created app:1; docker run --name exited app:1 sh -c "exit 3"; docker run -d --name paused app:1; docker pause paused; docker run -d --name running app:1')
      .catch(() => undefined)
    await host.sh('docker inspect paused running >/dev/null 2>&1 || { docker run -d --name paused app:1; docker pause paused; docker run -d --name running app:1; }')
    const all = ['created', 'exited', 'paused', 'running']
    const before = await inventory(host)
    expectExit(await dray('backup', ...all), 0)
    expect(await inventory(host)).toEqual(before)
    await destroy(host)
    const states = []
    for (const name of all) states.push(restored(expectExit(await dray('restore', 'latest', name), 0)))
    expect(states).toMatchObject([
      { state: { status: 'created' }, differences: [], announced: [] },
      { state: { status: 'created', because: 'it had ended with exit code 3: it is there again, and not started' }, differences: [], engineDefaults: [{ field: 'State.Status' }] },
      { state: { status: 'paused' }, differences: [], announced: [] },
      { state: { status: 'running' }, differences: [], announced: [] },
    ])
    expect(await Promise.all(all.map(async name => (await inspect(host, name)).State.Status))).toEqual(['created', 'created', 'paused', 'running'])
    await docker(host, 'unpause', 'paused')
  }, 120_000)
})

describe('beside the one that runs', () => {
  test('another name, port, volume and paths; --no-start leaves it created; the first is untouched', async () => {
    await makeWeb()
    expectExit(await dray('backup', 'web'), 0)
    const [before, data] = [await inventory(host), await holds('web')]
    const S = host.sharedDir
    const maps = ['--name', 'web2', '--map-port', '18080:18081', '--map-volume', 'data:data2', '--map-bind', `${S}/dir:${S}/new/deep/dir`, '--map-bind', `${S}/conf:${S}/new/conf2`]
    const renamed = { ...data, mounts: { ...data.mounts, '/etc/conf': data.mounts['/etc/conf']!.map(entry => ({ ...entry, name: './conf2' })) } }
    const { result } = expectExit(await dray('restore', 'latest', 'web', ...maps, '--dry-run'), 0)
    expect(result.plans).toMatchObject([{ name: 'web2', mounts: [{ action: 'make' }, { action: 'make' }, { action: 'make' }] }])
    expect(await inventory(host)).toEqual(before)
    expect(existsSync(`${S}/new`)).toBe(false)

    const answer = expectExit(await dray('restore', 'latest', 'web', ...maps, '--no-start'), 0)
    expect(restored(answer)).toMatchObject({ name: 'web2', state: { status: 'created' }, differences: [], announced: [{ field: 'State.Status' }] })
    const { HostConfig } = await inspect(host, 'web2')
    expect(HostConfig).toMatchObject({ Binds: expect.arrayContaining(['data2:/data', `${S}/new/deep/dir:/dir`, `${S}/new/conf2:/etc/conf`]), PortBindings: { '80/tcp': [{ HostPort: '18081' }] } })
    expect(differences(renamed, await holds('web2'))).toEqual([])
    await docker(host, 'start', 'web2')
    expect(await docker(host, 'exec', 'web2', 'cat', '/layer', '/data/file', '/dir/file', '/etc/conf')).toBe('layer\nstored\ndir\nconf')
    const after = await inventory(host)
    expect(after.containers.filter(line => line.startsWith('web '))).toEqual(before.containers)
    expect(after.images.filter(line => !line.startsWith('<none>'))).toEqual(before.images)
    expect(after.volumes).toEqual(['data local', 'data2 local'])
    expect(differences(data, await holds('web'))).toEqual([])
  }, 60_000)

  test('a network that is mapped to one that is there', async () => {
    await host.sh('docker network create --subnet 10.97.50.0/24 net >/dev/null; docker network create --subnet 10.97.51.0/24 other >/dev/null; docker run -d --name web --network net --network-alias www app:1 >/dev/null')
    expectExit(await dray('backup', 'web'), 0)
    const answer = expectExit(await dray('restore', 'latest', 'web', '--name', 'web2', '--map-network', 'net:other'), 0)
    expect(restored(answer)).toMatchObject({ differences: [], announced: [{ field: 'Networks.other.IPAM.Config' }], state: { status: 'running' } })
    const { Networks } = (await inspect(host, 'web2')).NetworkSettings
    expect(Object.keys(Networks)).toEqual(['other'])
    expect(Networks['other']?.Aliases).toContain('www')
  }, 60_000)
})

describe('what stands in the way: exit 12, the way out, and nothing changed', () => {
  const conflict = async (args: readonly string[], ...says: readonly string[]): Promise<void> => {
    const before = await inventory(host)
    const answer = expectExit(await dray('restore', 'latest', 'web', ...args), 12)
    const { message, hints } = JSON.parse(answer.stderr) as { message: string; hints: string[] }
    for (const what of says) expect([message, ...hints].join('\n')).toContain(what)
    expect(await inventory(host)).toEqual(before)
  }

  test('the name', async () => {
    await host.sh('docker run -d --name web app:1 >/dev/null')
    expectExit(await dray('backup', 'web'), 0)
    await conflict([], 'there is a container "web" already (running)', '--replace', '--name')
  }, 60_000)

  test('the port, also that of a container of another name', async () => {
    await host.sh('docker run -d --name web -p 18080:80 app:1 >/dev/null')
    expectExit(await dray('backup', 'web'), 0)
    await host.sh('docker rm -f web >/dev/null; docker run -d --name proxy -p 18080:8080 app:1 >/dev/null')
    await conflict([], 'port 18080/tcp is taken by container "proxy"', '--map-port 18080:OTHER')
    expectExit(await dray('restore', 'latest', 'web', '--map-port', '18080:18090'), 0)
  }, 60_000)

  test('a port that no container has, but a program: found beforehand', async () => {
    await host.sh('docker run -d --name web -p 18080:80 -v data:/data app:1 >/dev/null')
    expectExit(await dray('backup', 'web'), 0)
    await destroy(host)
    const before = await inventory(host)
    const pid = (await host.sh(`${process.execPath} -e "require('net').createServer().listen(18080)" >/dev/null 2>&1 & until ss -ltn | grep -q :18080; do sleep 0.1; done; echo $!`)).trim()
    const answer = await dray('restore', 'latest', 'web')
    await host.sh(`kill ${pid}`)
    expectExit(answer, 12)
    expect(answer.stderr).toMatch(/port 18080\/tcp is taken by a program of the host.*--map-port 18080:OTHER/s)
    expect(await inventory(host)).toEqual(before)
  }, 60_000)

  test('the address, and a network that has it', async () => {
    await host.sh('docker network create --subnet 10.97.60.0/24 net >/dev/null; docker run -d --name web --network net --ip 10.97.60.9 app:1 >/dev/null')
    expectExit(await dray('backup', 'web'), 0)
    await conflict(['--name', 'web2'], 'the address 10.97.60.9 in network "net" is taken by container "web"')
    await host.sh('docker rm -f web >/dev/null; docker network rm net >/dev/null; docker network create --subnet 10.97.60.0/25 older >/dev/null')
    await conflict([], 'network "net" wants 10.97.60.0/24, which network "older" has', '--map-network net:older')
    await host.sh('docker network rm older >/dev/null; docker network create --subnet 10.98.0.0/24 net >/dev/null')
    await conflict([], 'does not hold the address 10.97.60.9')
  }, 60_000)

  test('a volume that is not empty, and binds with other content', async () => {
    await makeWeb()
    expectExit(await dray('backup', 'web'), 0)
    await host.sh(`docker rm -f web >/dev/null; echo other > ${join(await mountpoint(host, 'data'), 'file')}; echo changed > ${host.sharedDir}/dir/file; echo other > ${host.sharedDir}/conf`)
    await conflict([], 'volume "data" is there and not empty', '--keep data', `"${host.sharedDir}/dir" is there with other content`, `"${host.sharedDir}/conf" is there with other content`, `--map-bind ${host.sharedDir}/conf:OTHER`)
    await conflict(['--replace', '--reader', 'api'], 'volume "data" is not empty, and the engine\'s archive endpoints (--reader api) cannot empty it', 'leave --reader out', '--map-volume data:OTHER')
    expect(readFileSync(join(await mountpoint(host, 'data'), 'file'), 'utf8')).toBe('other\n')
    expect(readFileSync(`${host.sharedDir}/dir/file`, 'utf8')).toBe('changed\n')
    const answer = expectExit(await dray('restore', 'latest', 'web', '--keep', 'data', '--keep', `${host.sharedDir}/dir`, '--replace'), 0)
    expect(restored(answer)).toMatchObject({ differences: [], kept: [{ place: { name: 'data' } }, { place: { path: `${host.sharedDir}/dir` } }], replacedIn: [expect.any(String)] })
    expect(await docker(host, 'exec', 'web', 'cat', '/layer', '/data/file', '/dir/file', '/etc/conf')).toBe('layer\nother\nchanged\nconf')
  }, 60_000)

  test('a bind that is a directory now and was a file', async () => {
    await makeWeb()
    expectExit(await dray('backup', 'web'), 0)
    await host.sh(`docker rm -f web >/dev/null; docker volume rm data >/dev/null; rm ${host.sharedDir}/conf; mkdir ${host.sharedDir}/conf`)
    await conflict([], `"${host.sharedDir}/conf" is a directory on the target, it was a file`)
  }, 60_000)

  test('files that nobody can replace: immutable and append-only ones', async () => {
    await makeWeb()
    expectExit(await dray('backup', 'web'), 0)
    const [data, S] = [await mountpoint(host, 'data'), host.sharedDir]
    await host.sh(`mkdir '${data}/a b'; echo x > '${data}/a b/fixed'; chattr +i '${data}/a b/fixed'; echo changed > ${S}/dir/file; chattr +a ${S}/dir/file; echo changed > ${S}/conf; chattr +i ${S}/conf`)
    try {
      await conflict(['--replace'], `"${data}/a b/fixed" is immutable or append-only`, `"${S}/dir/file" is immutable`, `"${S}/conf" is immutable`, `chattr -i -a "${data}/a b/fixed"`)
      expect((await inspect(host, 'web')).State.Status).toBe('running')
    } finally {
      await host.sh(`chattr -i '${data}/a b/fixed' ${S}/conf; chattr -a ${S}/dir/file`)
    }
    expectExit(await dray('restore', 'latest', 'web', '--replace'), 0)
  }, 60_000)

  test('a volume that is there with another driver option', async () => {
    await host.sh('docker volume create --opt type=tmpfs --opt device=tmpfs data >/dev/null; docker run -d --name web -v data:/data app:1 >/dev/null; docker exec web sh -c "echo x > /data/x"')
    expectExit(await dray('backup', 'web'), 0)
    await host.sh('docker rm -f web >/dev/null; docker volume rm data >/dev/null; docker volume create data >/dev/null')
    await conflict([], 'volume "data" is there with other driver options', 'docker volume rm data')
  }, 60_000)
})

describe('undone', () => {
  test('volumes and paths that were there and empty are empty again, and what was made is gone', async () => {
    await host.sh(`set -e; S=${host.sharedDir}; mkdir $S/dir; touch $S/file; echo x > $S/dir/x; echo x > $S/file; docker run -d --name web -v data:/data -v more:/more -v $S/dir:/dir -v $S/file:/file app:1 sh -c 'test ! -e /data/broken && sleep 100000' >/dev/null
      docker exec web sh -c 'echo x > /data/broken; echo x > /more/x'`)
    expectExit(await dray('backup', 'web'), 0)
    await host.sh(`set -e; docker rm -f web >/dev/null; docker volume rm data more >/dev/null; docker volume create data >/dev/null; rm ${host.sharedDir}/dir/x; : > ${host.sharedDir}/file`)
    const before = await inventory(host)
    expectExit(await dray('restore', 'latest', 'web'), 40)
    expect(await inventory(host)).toEqual(before)
    expect(readdirSync(await mountpoint(host, 'data'))).toEqual([])
    expect(readdirSync(`${host.sharedDir}/dir`)).toEqual([])
    expect(readFileSync(`${host.sharedDir}/file`, 'utf8')).toBe('')
  }, 60_000)
})

describe('--replace', () => {
  test('one over the other: each replaced one is in a backup marked so, and comes back from it', async () => {
    await makeWeb()
    expectExit(await dray('backup', 'web'), 0)
    const clean = await named()
    const change = (text: string) => docker(host, 'exec', 'web', 'sh', '-c', `echo ${text} > /data/file; echo ${text} > /dir/file; echo ${text} > /layer`)
    const holders: string[] = []
    for (const text of ['first', 'second']) {
      await change(text)
      const answer = expectExit(await dray('restore', 'latest', 'web', '--replace'), 0)
      expect(restored(answer)).toMatchObject({ differences: [], losses: [] })
      expect(await docker(host, 'exec', 'web', 'cat', '/data/file', '/dir/file', '/layer')).toBe('stored\ndir\nlayer')
      expect(await named()).toEqual(clean)
      expectExit(await dray('clean', '--kept', '--yes'), 0)
      expect((await inventory(host)).containers).toHaveLength(1)
      holders.push(...restored(answer).replacedIn)
    }
    expect(holders).toHaveLength(2)
    for (const [index, text] of ['first', 'second'].entries()) {
      expect(expectExit(await dray('show', holders[index]!), 0).result.tags).toEqual(['replaced'])
      expectExit(await dray('restore', holders[index]!, '--replace', '--yes'), 0)
      await host.sh('docker start web >/dev/null')
      expect(await docker(host, 'exec', 'web', 'cat', '/data/file', '/dir/file', '/layer')).toBe(`${text}\n${text}\n${text}`)
    }
    expect(await named()).toEqual(clean)
  }, 120_000)

  test('a replaced container that ran, or was paused, does so again when the new one fails', async () => {
    await host.sh('docker run -d --name web --stop-signal KILL -v data:/data app:1 sh -c "test ! -e /data/broken && sleep 100000" >/dev/null; docker exec web sh -c "touch /data/broken; echo layer > /layer"')
    expectExit(await dray('backup', 'web'), 0)
    await docker(host, 'exec', 'web', 'rm', '/data/broken')
    const [before, data] = [await inventory(host), await holds('web')]
    const answer = expectExit(await dray('restore', 'latest', 'web', '--replace'), 40)
    expect(answer.stderr).toContain('ended right after its start, with exit code 1')
    expect(await inventory(host)).toEqual(before)
    expect(differences(data, await holds('web'))).toEqual([])
    await docker(host, 'pause', 'web')
    expectExit(await dray('restore', 'latest', 'web', '--replace'), 40)
    expect(await docker(host, 'inspect', '-f', '{{.State.Status}}', 'web')).toBe('paused')
    await docker(host, 'unpause', 'web')
  }, 120_000)
})

const holds = (container: string) => dataOf(host, container, '/layer')

/** The commit that a restored container is made from has no name. */
async function named(): Promise<Inventory> {
  const { images, ...others } = await inventory(host)
  return { ...others, images: images.filter(line => !line.startsWith('<none>:<none>')), containers: [] }
}
