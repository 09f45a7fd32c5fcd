import { mkdirSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import type { EngineName } from '../../lab/engines.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { at, docker, expectExit, installDray, inventory, type Dray } from './dray.ts'
import { destroy } from './whole-container.ts'

/** Volumes that are mounted only while a container uses them: memory, whose content goes with its last user, and other file systems. */
export function memoryVolumesContract(engine: EngineName, { onlyFirst = false } = {}): void {
  let host: LabHost
  let dray: Dray

  beforeAll(async () => {
    host = await startHost({ engine })
    await busyboxImage(host, 'app:1', { cmd: ['sleep', '100000'] })
  }, 120_000)
  afterAll(async () => {
    await host[Symbol.asyncDispose]()
  }, 60_000)
  beforeEach(async () => {
    dray = await installDray({ DOCKER_HOST: at(host) })
  })
  afterEach(async () => {
    const { containers } = await inventory(host)
    await host.sh('docker ps -aq | xargs -r docker rm -fv >/dev/null; docker volume ls -q | xargs -r docker volume rm >/dev/null')
    await dray[Symbol.asyncDispose]()
    expect(containers.filter(line => line.startsWith('drayage'))).toEqual([])
  }, 60_000)

  const web = async (command = 'sleep 100000'): Promise<void> => {
    await host.sh(`docker volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=1m mem >/dev/null
      docker run -d --name web --stop-signal KILL -v mem:/mem --mount type=volume,dst=/anonymous,volume-opt=type=tmpfs,volume-opt=device=tmpfs app:1 sh -c '${command}' >/dev/null
      docker exec web sh -c 'echo stored > /mem/file; chmod 4711 /mem/file; echo stored > /anonymous/file'`)
  }
  const holds = (): Promise<string> => docker(host, 'exec', 'web', 'sh', '-c', 'cat /mem/file /anonymous/file; stat -c %a /mem/file; mount | grep -c "^tmpfs on /mem .*size=1024k"')
  const stored = 'stored\nstored\n4711\n1'

  test('what is in memory comes back with the container that runs; of one that does not run it is said that it cannot', async () => {
    await web()
    expectExit(await dray('backup', 'web'), 0)
    await docker(host, 'rm', '-fv', 'web')
    await docker(host, 'volume', 'rm', 'mem')
    expect(expectExit(await dray('restore', 'latest', 'web'), 0).result.restored).toMatchObject([{ differences: [], state: { status: 'running' } }])
    expect(await holds()).toBe(stored)
    const { stdout } = expectExit(await dray('restore', 'latest', 'web', '--name', 'web2', '--map-volume', 'mem:mem2', '--no-start'), 3)
    expect(stdout).toContain('is memory (tmpfs), which is empty again, as no container runs with it')
  }, 60_000)

  if (onlyFirst) return

  test('stopped for the moment it keeps what it holds, and that is in the backup', async () => {
    await web('trap exit TERM; while :; do sleep 0.1; done')
    expect(expectExit(await dray('backup', 'web', '--consistency', 'stop'), 0).result.backups).toMatchObject([{ freeze: { way: 'stop' } }])
    expect(await holds()).toBe(stored)
    expectExit(await dray('restore', 'latest', 'web', '--replace'), 0)
    expect(await holds()).toBe(stored)
  }, 60_000)

  test('replaced, it is in the safety backup; when the new one fails the old one has it again', async () => {
    await web('test ! -e /mem/broken && trap exit TERM; test ! -e /mem/broken && while :; do sleep 0.1; done')
    const broken = (): Promise<string> => docker(host, 'exec', 'web', 'sh', '-c', 'echo changed > /mem/file; echo changed > /anonymous/file; rm -f /mem/broken')
    await docker(host, 'exec', 'web', 'touch', '/mem/broken')
    expectExit(await dray('backup', 'web'), 0)
    await broken()
    expectExit(await dray('restore', 'latest', 'web', '--replace'), 40)
    expect(await holds()).toBe('changed\nchanged\n4711\n1')
    await docker(host, 'exec', 'web', 'sh', '-c', 'echo stored > /mem/file; echo stored > /anonymous/file')
    expectExit(await dray('backup', 'web'), 0)
    await broken()
    const { result } = expectExit(await dray('restore', 'latest', 'web', '--replace'), 0)
    expect(await holds()).toBe(stored)
    expectExit(await dray('restore', result.restored[0]!.replacedIn[0]!, '--replace', '--yes'), 3)
  }, 60_000)

  test('a volume that mounts a folder of the host: read and written where it is mounted', async () => {
    const folder = `${host.sharedDir}/device`
    mkdirSync(folder)
    writeFileSync(`${folder}/file`, 'stored\n')
    await host.sh(`docker volume create --opt type=none --opt o=bind --opt device=${folder} dev >/dev/null; docker create --name web -v dev:/dev-data app:1 >/dev/null`)
    const { result } = expectExit(await dray('backup', 'web'), 0)
    expect(result.backups[0]!.mounts).toMatchObject([{ source: 'dev', entries: 2 }])
    await host.sh(`docker rm -f web >/dev/null; docker volume rm dev >/dev/null; rm ${folder}/file`)
    expectExit(await dray('restore', 'latest', 'web'), 0)
    expect(await docker(host, 'run', '--rm', '-v', 'dev:/x', 'app:1', 'cat', '/x/file')).toBe('stored')
    await destroy(host)
    await busyboxImage(host, 'app:1', { cmd: ['sleep', '100000'] })
    expect(JSON.parse(expectExit(await dray('restore', 'latest', 'web'), 12).stderr)).toMatchObject({ message: expect.stringContaining(`volume "dev" mounts "${folder}", which the target does not have`) })
  }, 60_000)
}
