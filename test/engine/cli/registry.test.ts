import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startHost, type LabHost } from '../../lab/host.ts'
import { startRegistry, type LabRegistry } from '../../lab/registry.ts'
import { storedBytes, tagsOf } from '../registry/registry-lab.ts'
import { at, docker, expectExit, installDray, type Dray } from './dray.ts'
import { makeImage, mountpoint } from './whole-container.ts'

const limit = 240_000
const megabyte = 1024 * 1024
let registry: LabRegistry
let host: LabHost
let other: LabHost
let dray: Dray
let repository: string

beforeAll(async () => {
  registry = await startRegistry()
  const trusting = { engine: '20.10', insecureRegistries: [registry.address] } as const
  ;[host, other, dray] = await Promise.all([startHost(trusting), startHost(trusting), installDray()])
  repository = `oci://${registry.address}/backups/web`
  await makeImage(host)
  await docker(host, 'run', '-d', '--name', 'web', '-v', 'data:/data', '-e', 'A=b', 'shop/web:1')
  await host.sh(`dd if=/dev/urandom of=${await mountpoint(host, 'data')}/big bs=1M count=40 2>/dev/null`)
  await docker(host, 'exec', 'web', 'sh', '-c', 'echo changed > /opt/changed')
}, limit)

afterAll(async () => {
  await Promise.all([host[Symbol.asyncDispose](), other[Symbol.asyncDispose](), dray[Symbol.asyncDispose](), registry[Symbol.asyncDispose]()])
}, limit)

const run = (...args: readonly string[]) => dray(...args, '-r', repository, '--insecure')
const dataIn = async (where: LabHost): Promise<string> => docker(where, 'exec', 'web', 'sh', '-c', 'cd /data; find . -type f | sort | xargs sha256sum; cat /opt/changed')

test('a registry is a repository: backup, list, verify, pull of the image, restore elsewhere, forget', async () => {
  const made = expectExit(await run('backup', 'web', '-H', at(host)), 0)
  const [first = ''] = made.result.ids
  const before = await storedBytes(registry.dataDir)

  writeFileSync(join(await mountpoint(host, 'data'), 'new'), Buffer.alloc(megabyte / 2, 'new'))
  const [second = ''] = expectExit(await run('backup', 'web', '-H', at(host)), 0).result.ids
  expect((await storedBytes(registry.dataDir)) - before).toBeLessThan(before / 20)
  expect(expectExit(await run('list'), 0).result.backups.map(({ id }) => id)).toEqual([first, second])
  expectExit(await run('show', second), 0)

  await registry.collectGarbage()
  await registry.collectGarbage({ untagged: true })
  await registry.stop()
  await registry.start()
  expectExit(await run('verify', '--deep'), 0)

  await docker(other, 'pull', '-q', `${registry.address}/backups/web:${second}`)
  expect(await docker(other, 'run', '--rm', '--network', 'none', `${registry.address}/backups/web:${second}`, 'cat', '/opt/changed')).toBe('changed')

  expectExit(await run('restore', 'latest', 'web', '--to', at(other)), 0)
  expect(await dataIn(other)).toBe(await dataIn(host))

  expectExit(await run('forget', first, '--yes'), 0)
  expectExit(await run('prune'), 0)
  expect(expectExit(await run('list'), 0).result.backups.map(({ id }) => id)).toEqual([second])
  expectExit(await run('verify', '--deep'), 0)
  expectExit(await run('forget', second, '--yes', '--even-last'), 0)
  await registry.collectGarbage({ untagged: true })
  expect(await tagsOf(registry.address, 'backups/web')).toEqual([])
  expect(await storedBytes(registry.dataDir)).toBe(0)
}, limit)

test('what a registry cannot do is said', async () => {
  await using fixed = await startRegistry({ deletion: false })
  const place = `oci://${fixed.address}/backups/web`
  const onFixed = (...args: readonly string[]) => dray(...args, '-r', place, '--insecure')
  const [id = ''] = expectExit(await onFixed('backup', 'web', '-H', at(host)), 0).result.ids
  expect(await onFixed('forget', id, '--yes', '--even-last')).toMatchObject({ exitCode: 14, stderr: expect.stringContaining('nothing can be deleted') })
  expect(expectExit(await onFixed('list'), 0).result.backups.map(each => each.id)).toEqual([id])
  expect(await onFixed('restore', id, '--replace', '-H', at(host))).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--replace') })
}, limit)
