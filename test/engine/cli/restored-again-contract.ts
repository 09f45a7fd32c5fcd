import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import type { EngineName } from '../../lab/engines.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { at, docker, expectExit, inspect, installDray, type Dray } from './dray.ts'
import { destroy } from './whole-container.ts'

/** A container that was made from the commit of a restore, backed up and restored again and again: with its image's name there, or meaning another image by then. */
export function restoredAgainContract(engine: EngineName, cases: readonly ('name there' | 'name moved')[]): void {
  let host: LabHost
  let dray: Dray

  beforeAll(async () => {
    host = await startHost({ engine })
  }, 120_000)
  afterAll(async () => {
    await host[Symbol.asyncDispose]()
  }, 60_000)
  beforeEach(async () => {
    dray = await installDray({ DOCKER_HOST: at(host) })
    await busyboxImage(host, 'maker:1', { cmd: ['sleep', '100000'] })
    await host.sh(`set -e; docker create --name maker maker:1 sh -c 'mkdir -p /opt/old/deep /opt/replaced; echo 1 > /opt/deleted; echo 1 > /opt/old/deep/file; echo 1 > /opt/replaced/hidden; echo 1 > /opt/changed' >/dev/null
      docker start -a maker; docker commit -c 'CMD ["sleep", "100000"]' maker app:1 >/dev/null; docker tag app:1 app:stable; docker rm maker >/dev/null; docker rmi maker:1 >/dev/null`)
  }, 60_000)
  afterEach(async () => {
    await destroy(host)
    await dray[Symbol.asyncDispose]()
  }, 60_000)

  const layersOf = async (ref: string): Promise<number> => (JSON.parse(await docker(host, 'image', 'inspect', '-f', '{{json .RootFS.Layers}}', ref)) as string[]).length
  const filesOf = (name: string): Promise<string> => host.sh(`set -e; d=$(mktemp -d); docker export ${name} > $d/tar; tar -tv --numeric-owner --full-time -f $d/tar opt; tar -xO -f $d/tar opt | sha256sum; rm -r $d`)

  /** What each life of the container changes: the file system of one layer over the other. */
  const lives = [
    'rm /opt/deleted; echo 2 > /opt/changed; cp /bin/busybox /opt/suid; chmod 4755 /opt/suid; ln /opt/suid /opt/suid2; ln /opt/suid /opt/suid3; mkdir -m 1777 /opt/sticky; chown 12:34 /opt/sticky; echo new > /opt/sticky/new',
    'rm -r /opt/old; rm /opt/suid; rm -r /opt/replaced; mkdir /opt/replaced; echo 3 > /opt/replaced/shown; ln -s nowhere /opt/link',
    'mkdir -p /opt/old; echo 4 > /opt/old/other; rm -r /opt/sticky; echo file > /opt/sticky; echo back > /opt/deleted; rm /opt/link',
    'rm /opt/sticky; mkdir /opt/sticky; echo 5 > /opt/sticky/again; rm -r /opt/replaced; echo 5 > /opt/changed; mkfifo /opt/pipe',
  ]

  if (cases.includes('name there')) test('four lives: the same files each time, the original under its names, and at most two layers above it', async () => {
    await docker(host, 'run', '-d', '--name', 'web', 'app:1')
    const original = await layersOf('app:1')
    const id = await docker(host, 'image', 'inspect', '-f', '{{.Id}}', 'app:1')
    for (const life of lives) {
      await docker(host, 'exec', 'web', 'sh', '-ec', life)
      const before = await filesOf('web')
      const { result } = expectExit(await dray('backup', 'web'), 0)
      expect(result.backups[0]!.images).toMatchObject([{ role: 'commit', names: [] }, { role: 'original', id, names: ['app:1', 'app:stable'] }])
      await destroy(host)
      expect((expectExit(await dray('restore', 'latest', 'web'), 0)).result.restored).toMatchObject([{ differences: [], losses: [], engineDefaults: [] }])
      const { Image, Config } = await inspect(host, 'web')
      expect(Config.Image).toBe('app:1')
      expect(await filesOf('web')).toBe(before)
      expect(await layersOf(Image) - original).toBeGreaterThanOrEqual(1)
      expect(await layersOf(Image) - original).toBeLessThanOrEqual(2)
      expect(await layersOf('app:stable')).toBe(original)
    }
    // Nothing written since: nothing is committed, and nothing is lost.
    const before = await filesOf('web')
    const { result } = expectExit(await dray('backup', 'web'), 0)
    expect(result.backups[0]!.images).toMatchObject([{ role: 'commit' }, { role: 'original', id, names: ['app:1', 'app:stable'] }])
    await destroy(host)
    expectExit(await dray('restore', 'latest', 'web'), 0)
    expect(await filesOf('web')).toBe(before)
  }, 180_000)

  if (cases.includes('name moved')) test('the name means another image by now: layers do not grow all the same', async () => {
    await docker(host, 'run', '-d', '--name', 'web', 'app:1')
    const original = await layersOf('app:1')
    for (const [at, life] of lives.entries()) {
      await docker(host, 'exec', 'web', 'sh', '-ec', life)
      const before = await filesOf('web')
      expectExit(await dray('backup', 'web'), 0)
      await host.sh('docker rm -f web >/dev/null; for name in app:1 app:stable; do docker rmi $name >/dev/null || true; tar -c -T /dev/null | docker import -c "CMD other" - $name >/dev/null; done')
      expectExit(await dray('restore', 'latest', 'web'), 0)
      expect(await filesOf('web')).toBe(before)
      expect(await layersOf((await inspect(host, 'web')).Image) - original).toBeLessThanOrEqual(2)
      if (at === 0) expect(await docker(host, 'image', 'inspect', '-f', '{{json .Config.Cmd}}', 'app:1')).toBe('["/bin/sh","-c","other"]')
    }
  }, 180_000)
}
