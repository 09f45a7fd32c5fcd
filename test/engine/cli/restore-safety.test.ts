import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import type { LabHost } from '../../lab/host.ts'
import { docker, expectExit, type Dray } from './dray.ts'
import { useHost } from './use-host.ts'
import { destroy, mountpoint } from './whole-container.ts'

let host: LabHost
let dray: Dray

useHost(both => void ({ host, dray } = both))

describe('names of the user that look like those of dray', () => {
  test('stay the user\'s: volume, image and container', async () => {
    await host.sh('docker tag app:1 drayage-app:1; docker run -d --name drayage-web -v drayage-data:/data drayage-app:1 >/dev/null; docker exec drayage-web sh -c "echo mine > /data/file"')
    expectExit(await dray('backup', 'drayage-web'), 0)
    await destroy(host)
    const restored = expectExit(await dray('restore', 'latest', 'drayage-web'), 0)
    expect(restored.stderr).not.toContain('warning')
    await docker(host, 'rm', '-f', 'drayage-web')
    await docker(host, 'run', '-d', '--name', 'other', 'drayage-app:1')
    expectExit(await dray('backup', 'other'), 0)
    expect(readFileSync(join(await mountpoint(host, 'drayage-data'), 'file'), 'utf8')).toBe('mine\n')
  }, 60_000)
})

describe('a restore that would destroy what it is made of', () => {
  test('is refused where the repository lies in a bind or volume that is replaced, also by a link', async () => {
    const folder = join(host.sharedDir, 'srv')
    mkdirSync(folder)
    writeFileSync(join(folder, 'file'), 'x')
    await host.sh(`docker run -d --name web -v ${folder}:/srv -v data:/data app:1 >/dev/null; docker exec web sh -c 'echo x > /data/file'`)
    const elsewhere = join(host.sharedDir, 'repo')
    expectExit(await dray('backup', 'web', '-r', elsewhere), 0)
    for (const within of [folder, await mountpoint(host, 'data')]) {
      const repo = join(within, 'repo')
      const link = join(host.sharedDir, `link${within.length}`)
      symlinkSync(repo, link)
      await host.sh(`cp -a ${elsewhere} ${repo}; docker exec web sh -c 'echo y >> /srv/file; echo y >> /data/file'`)
      for (const path of [repo, link]) {
        const { stderr } = expectExit(await dray('restore', 'latest', 'web', '--replace', '-r', path), 12)
        expect(stderr).toContain('holds the repository')
      }
      expectExit(await dray('list', '-r', repo), 0)
      const { stdout } = expectExit(await dray('plan', 'web', '-r', link), 0)
      expect(stdout).toContain('it holds the repository itself')
    }
  }, 120_000)
})

describe('what is replaced', () => {
  test('is read back from the repository before it goes: what was stored and is bad is stored again', async () => {
    const repo = join(host.sharedDir, 'rotten')
    const blobs = join(repo, 'blobs/sha256')
    await host.sh('docker run -d --name web --stop-signal KILL -v data:/data app:1 >/dev/null; docker exec web sh -c "echo 1 > /data/file"')
    const first = expectExit(await dray('backup', 'web', '-r', repo), 0).result.backups[0]?.id ?? ''
    const known = new Set(readdirSync(blobs))
    await host.sh('docker exec web dd if=/dev/urandom of=/data/other bs=1M count=1 2>/dev/null')
    expectExit(await dray('backup', 'web', '-r', repo), 0)
    for (const name of readdirSync(blobs).filter(each => !known.has(each) && statSync(join(blobs, each)).size > 100_000)) {
      const bytes = readFileSync(join(blobs, name))
      bytes.writeUInt8(bytes.readUInt8(5000) ^ 1, 5000)
      writeFileSync(join(blobs, name), bytes)
    }
    const other = readFileSync(join(await mountpoint(host, 'data'), 'other'))
    const { stdout, result } = expectExit(await dray('restore', first, 'web', '--replace', '-r', repo), 0)
    expect(stdout).toContain('what is replaced is backed up once more')
    const replaced = result.restored[0]?.replacedIn[0] ?? ''
    expectExit(await dray('restore', replaced, 'web', '--replace', '-r', repo), 0)
    expect(readFileSync(join(await mountpoint(host, 'data'), 'other'))).toEqual(other)
    expectExit(await dray('verify', '-r', repo), 0)
  }, 120_000)
})

describe('places', () => {
  test('two mounts cannot be restored to one place, and nothing is done for a name that the backup does not know', async () => {
    await host.sh('docker run -d --name web -v one:/one -v two:/two app:1 >/dev/null; docker exec web sh -c "echo 1 > /one/file; echo 2 > /two/file"')
    expectExit(await dray('backup', 'web'), 0)
    await destroy(host)
    const { stderr } = expectExit(await dray('restore', 'latest', 'web', '--map-volume', 'one:two'), 12)
    expect(stderr).toContain('two mounts of the backup would both be restored to volume')
    for (const wrong of [['--map-volume', 'three:x'], ['--map-port', '80:81'], ['--map-bind', '/a:/b'], ['--map-network', 'x:y'], ['--keep', 'three']]) {
      expect(expectExit(await dray('restore', 'latest', 'web', ...wrong), 2).stderr).toContain('of the backup')
    }
    expect((await docker(host, 'volume', 'ls', '-q')).trim()).toBe('')
  }, 60_000)

  test('a volume that was empty comes back empty, whatever the image has there', async () => {
    await host.sh('docker run --name make app:1 sh -c "mkdir /data; echo seed > /data/seed"; docker commit -c \'CMD ["sleep","100000"]\' make seeded:1 >/dev/null; docker rm make >/dev/null')
      .catch(() => undefined)
    await host.sh('docker image inspect seeded:1 >/dev/null; docker run -d --name web -v data:/data seeded:1 >/dev/null; docker exec web rm -f /data/seed')
    expectExit(await dray('backup', 'web'), 0)
    for (const before of ['docker volume rm data', 'docker volume rm data; docker volume create data']) {
      await host.sh(`docker rm -f web >/dev/null; (${before}) >/dev/null`)
      expectExit(await dray('restore', 'latest', 'web'), 0)
      expect((await docker(host, 'exec', 'web', 'ls', '-A', '/data')).trim()).toBe('')
    }
  }, 60_000)

  test('a kept path inside of one that is replaced, and a bind that another container uses, stand in the way', async () => {
    const folder = join(host.sharedDir, 'n')
    await host.sh(`mkdir -p ${folder}/sub; echo a > ${folder}/a; echo b > ${folder}/sub/b; docker run -d --name web -v ${folder}:/n -v ${folder}/sub:/n/sub app:1 >/dev/null`)
    expectExit(await dray('backup', 'web'), 0)
    await host.sh(`echo changed > ${folder}/a; docker run -d --name other -v ${folder}:/x app:1 >/dev/null`)
    expect(expectExit(await dray('restore', 'latest', 'web', '--replace', '--keep', `${folder}/sub`), 12).stderr).toContain('is to be kept, and lies in')
    expect(expectExit(await dray('restore', 'latest', 'web', '--replace'), 12).stderr).toContain('is in use by container')
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('changed\n')
  }, 60_000)
})

test('what the backup does not hold is named at restore', async () => {
  await host.sh('docker run -d --name web -v data:/data app:1 >/dev/null; docker exec web sh -c "echo x > /data/file"')
  expectExit(await dray('backup', 'web', '--exclude', 'data'), 0)
  await destroy(host)
  const { result } = expectExit(await dray('restore', 'latest', 'web', '--dry-run'), 0)
  expect(JSON.stringify(result)).not.toContain('unexpected')
  const done = expectExit(await dray('restore', 'latest', 'web'), 0)
  expect(done.result.restored[0]!.notInBackup).toMatchObject([{ destination: '/data', reason: 'excluded, as asked' }])
}, 60_000)
