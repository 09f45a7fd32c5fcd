import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from '@jest/globals'
import { startHost, type HostOptions, type LabHost } from '../../lab/host.ts'
import { makeOddTree } from '../../trees/odd-tree.ts'
import { diffSnapshots, snapshotTree, type SnapshotEntry } from '../../trees/snapshot-tree.ts'
import { at, docker, expectExit, installDray, inventory, type Dray } from './dray.ts'
import { destroy, mountpoint } from './whole-container.ts'

export type PackLab = () => { readonly host: LabHost; readonly dray: Dray }

/** An engine with nothing but the volume "data", before each test. */
export function packLab(options: HostOptions, envOf: (host: LabHost) => NodeJS.ProcessEnv = host => ({ DOCKER_HOST: at(host) })): PackLab {
  let host: LabHost
  let dray: Dray

  beforeAll(async () => {
    host = await startHost(options)
  }, 60_000)
  afterAll(async () => {
    await host[Symbol.asyncDispose]()
  }, 60_000)
  beforeEach(async () => {
    dray = await installDray(envOf(host))
    await docker(host, 'volume', 'create', 'data')
  }, 60_000)
  afterEach(async () => {
    const journals = readdirSync(join(dray.state, 'drayage/journal')).filter(name => name.endsWith('.ndjson'))
    await destroy(host)
    await dray[Symbol.asyncDispose]()
    expect(journals).toEqual([])
  }, 60_000)
  return () => ({ host, dray })
}

/** Data of every kind through an image and back. Nothing is pulled: the engine has no other image. */
export function packContract(lab: PackLab): void {
  test('odd data fills a fresh volume by itself, and comes back whole by unpack, into a volume and into a folder', async () => {
    const { host, dray } = lab()
    const data = await mountpoint(host, 'data')
    await makeOddTree(data, { sparseBytes: 3 * 1024 * 1024 })
    const before = snapshotTree(data)
    const packed = expectExit(await dray('pack', 'data', '-t', 'example/data:1', '--path', '/srv/deep/data'), 0)
    expect(packed.result).toMatchObject({ ref: 'example/data:1', path: '/srv/deep/data', entries: before.length, notes: [] })
    await docker(host, 'create', '--name', 'filler', '-v', 'fresh:/srv/deep/data', 'example/data:1')
    const filled = diffSnapshots(before, snapshotTree(await mountpoint(host, 'fresh')))
    expect(filled.filter(line => !isLostByFilling(line, before))).toEqual([])
    expectExit(await dray('unpack', 'example/data:1', '--to', 'data2'), 0)
    expect(diffSnapshots(before, snapshotTree(await mountpoint(host, 'data2'))).filter(line => !isHole(line))).toEqual([])
    const folder = join(dray.home, 'out')
    expectExit(await dray('unpack', 'example/data:1', '--to', folder), 0)
    expect(diffSnapshots(before, snapshotTree(folder)).filter(line => !isHole(line))).toEqual([])
    expect((await inventory(host)).images).toEqual([expect.stringMatching(/^example\/data:1 /)])
  }, 120_000)
}

const isHole = (line: string): boolean => line.endsWith('sparse was true, is false')

/** What docs/commands.md says that an engine loses when it fills a volume from an image. */
function isLostByFilling(line: string, before: readonly SnapshotEntry[]): boolean {
  const isOf = (type: string): boolean => before.some(({ name, type: other }) => other === type && line.startsWith(JSON.stringify(name).slice(0, 30)))
  if (line.includes(': mtime was ')) return line.includes(': mtime was "-') || isOf('directory')
  return isHole(line) || line.includes('linkedTo was') || line.includes('"user.empty":"0x"') || line.startsWith('"./acl/bare": xattrs was {}')
}
