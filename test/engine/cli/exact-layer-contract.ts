import { execFileSync } from 'node:child_process'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import type { EngineName } from '../../lab/engines.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { makeOddTree } from '../../trees/odd-tree.ts'
import { diffSnapshots, snapshotTree, type SnapshotEntry } from '../../trees/snapshot-tree.ts'
import { at, docker, expectExit, inspect, installDray, type Dray } from './dray.ts'
import { destroy } from './whole-container.ts'

/** `directory times`: the engine's commit tells of a directory of which nothing but the time has changed. */
export type LayerCase = 'names' | 'attributes' | 'directory times' | 'odd entries'

/** The writable layer of a container comes back as its processes saw it, entry by entry, but for what docs/engine-support.md names. */
export function exactLayerContract(engine: EngineName, cases: readonly LayerCase[]): void {
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
    await host.sh(`set -e; docker create --name maker maker:1 sh -c 'mkdir -p /opt/below/deep /opt/dir; echo 1 > /opt/below/deep/file; echo 1 > /opt/file; ln -s below /opt/link; echo 1 > /opt/dir/one' >/dev/null
      docker start -a maker; docker commit -c 'CMD ["sleep", "100000"]' maker app:1 >/dev/null; docker rm maker >/dev/null; docker rmi maker:1 >/dev/null
      docker run -d --name web app:1`)
  }, 60_000)
  afterEach(async () => {
    await destroy(host)
    await dray[Symbol.asyncDispose]()
  }, 60_000)

  const rootOf = async (): Promise<string> => `/proc/${host.pid}/root/proc/${(await inspect(host, 'web')).State.Pid}/root`
  const entries = async (): Promise<SnapshotEntry[]> => snapshotTree(`${await rootOf()}/opt`)
  const life = (script: string): Promise<string> => docker(host, 'exec', 'web', 'sh', '-ec', script)
  const cycle = async (): Promise<void> => {
    expectExit(await dray('backup', 'web'), 0)
    await docker(host, 'rm', '-f', 'web')
    expectExit(await dray('restore', 'latest', 'web'), 0)
  }

  /** Each life's doings, and what they are named in a failure. */
  const lives: readonly (readonly string[])[] = [
    ['mkdir /opt/a; touch /opt/a/1; ln /opt/a/1 /opt/a/2; ln /opt/a/1 /opt/b1; rm /opt/a/1', 'rm /opt/a/2; ln /opt/b1 /opt/a/1', 'rm /opt/a/1; rm /opt/b1', 'rmdir /opt/a'],
    ['rm -r /opt/below; mkdir -p /opt/below/deep; echo 2 > /opt/below/deep/mine', 'rm /opt/below/deep/mine', 'rm -r /opt/below; echo 3 > /opt/below'],
    ['rm /opt/link; mkdir /opt/link; echo 2 > /opt/link/file', 'rm /opt/link/file', 'rm -r /opt/link; ln -s dir /opt/link'],
    ['rm -r /opt/dir; echo 2 > /opt/dir', 'rm /opt/dir; mkdir /opt/dir; echo 3 > /opt/dir/two', 'rm /opt/dir/two', 'touch /opt/dir/one; mkdir /opt/file.d; rm /opt/file'],
    ['mkdir -p /opt/new/sub/deep; echo 2 > /opt/new/sub/deep/x; echo 2 > /opt/new/sub/y', 'rm -r /opt/new/sub', 'mkdir /opt/new/sub; echo 4 > /opt/new/sub/y', 'rm /opt/new/sub/y'],
  ]

  if (cases.includes('names')) test('four lives: no name too many, none missing, and nothing else of an entry differs', async () => {
    for (const at of [0, 1, 2, 3]) {
      await life(lives.map(doings => doings[at] ?? 'true').join('; '))
      await life('find /opt -exec touch -h -d "2020-01-02 03:04:05" {} +')
      const before = await entries()
      await cycle()
      expect([at, ...diffSnapshots(before, await entries())]).toEqual([at])
    }
  }, 240_000)

  if (cases.includes('attributes')) test.each([
    ...(cases.includes('directory times') ? [['time', 'touch -d "2001-02-03 04:05:06" /opt/dir']] as const : []),
    ['mode', 'chmod 1750 /opt/dir'],
    ['owner', 'chown 12:34 /opt/dir'],
  ])('nothing but the %s of a directory has changed', async (_, doing) => {
    await life(doing)
    const before = await entries()
    await cycle()
    expect(diffSnapshots(before, await entries())).toEqual([])
  }, 120_000)

  if (cases.includes('attributes')) test('nothing but an attribute of a directory has changed', async () => {
    execFileSync('setfattr', ['-n', 'security.capability', '-v', '0x0100000200200000000000000000000000000000', `${await rootOf()}/opt/dir`])
    const before = await entries()
    await cycle()
    expect(diffSnapshots(before, await entries())).toEqual([])
  }, 120_000)

  if (cases.includes('attributes')) test('nothing has changed: the image is stored as it is', async () => {
    const { result } = expectExit(await dray('backup', 'web'), 0)
    expect(result.backups[0]!.images).toMatchObject([{ role: 'original' }])
    expect(await docker(host, 'images', '--format', '{{.Repository}}')).toBe('app')
    await docker(host, 'run', '-d', '--name', 'mounts', '-v', 'data:/data', '--tmpfs', '/opt/dir', 'app:1')
    expect(expectExit(await dray('backup', 'mounts'), 0).result.backups[0]!.images).toMatchObject([{ role: 'original' }])
  }, 120_000)

  if (cases.includes('odd entries')) test('every odd entry', async () => {
    await life('mkdir /opt/odd')
    await makeOddTree(`${await rootOf()}/opt/odd`, { sparseBytes: 10_000_000 })
    const before = (await entries()).map(asCommitted)
    await cycle()
    expect(diffSnapshots(before, (await entries()).map(asCommitted))).toEqual([])
  }, 120_000)
}

/** Without what no engine's commit keeps: parts of seconds, times before 1970, holes, extended attributes but capabilities. */
function asCommitted(entry: SnapshotEntry): SnapshotEntry {
  const seconds = BigInt(entry.mtime) / 1_000_000_000n
  const capability = Object.entries(entry.xattrs).filter(([name]) => name === 'security.capability')
  return { ...entry, sparse: false, mtime: String(seconds < 0n ? 0n : seconds), xattrs: Object.fromEntries(capability) }
}
