import { appendFileSync, mkdirSync, openSync, closeSync, writeSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { writeDataSet } from '../../bench/data-set.ts'
import { at, docker, expectExit, installDray, type Dray } from '../../engine/cli/dray.ts'
import { makeImage, mountpoint } from '../../engine/cli/whole-container.ts'
import { storedBytes } from '../../engine/registry/registry-lab.ts'
import { run } from '../../lab/command.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { startRegistry, type LabRegistry } from '../../lab/registry.ts'
import { noise } from '../../unit/store/scratch.ts'

const limit = 900_000
const totalBytes = 1.2e9
const percent = totalBytes / 100
let registry: LabRegistry
let host: LabHost
let other: LabHost
let dray: Dray
let repository: string
let data: string

beforeAll(async () => {
  registry = await startRegistry()
  const trusting = { engine: '20.10', insecureRegistries: [registry.address] } as const
  ;[host, other, dray] = await Promise.all([startHost(trusting), startHost(trusting), installDray()])
  repository = `oci://${registry.address}/backups/web`
  await makeImage(host)
  await docker(host, 'run', '-d', '--name', 'web', '-v', 'data:/data', '-e', 'A=b', 'shop/web:1')
  await docker(host, 'exec', 'web', 'sh', '-c', 'echo changed > /opt/changed')
  data = await mountpoint(host, 'data')
  writeDataSet(data, { files: 15_000, totalBytes })
}, limit)

afterAll(async () => {
  await Promise.all([host[Symbol.asyncDispose](), other[Symbol.asyncDispose](), dray[Symbol.asyncDispose](), registry[Symbol.asyncDispose]()])
}, limit)

const cli = (...args: readonly string[]) => dray(...args, '-r', repository, '--insecure')
const files = async (): Promise<string[]> => (await run('find', [data, '-type', 'f', '-size', '+64k'])).stdout.trim().split('\n').sort()
const sumsOf = async (where: LabHost): Promise<string> => (await run('sh', ['-c', `cd "${await mountpoint(where, 'data')}" && find . -printf '%P %m %U:%G %T@ %s\\n' | sort | sha256sum && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum`])).stdout

/** Backs up, and tells how much the registry got by it. */
async function backUp(what: string, before: number): Promise<{ readonly id: string; readonly sent: number; readonly total: number }> {
  const startedAt = performance.now()
  const { result } = expectExit(await cli('backup', 'web', '-H', at(host)), 0)
  const total = await storedBytes(registry.dataDir)
  process.stderr.write(`${what}: ${((total - before) / 1e6).toFixed(1)} MB sent in ${((performance.now() - startedAt) / 1000).toFixed(1)} s, ${(total / 1e6).toFixed(0)} MB in the registry\n`)
  return { id: result.ids[0] ?? '', sent: total - before, total }
}

test('1.2 GB go to a registry, a change of 1 % sends less than 5 %, and it is restored elsewhere after the registry\'s garbage collection', async () => {
  const first = await backUp('first backup of 1.2 GB in 15,000 files', 0)

  mkdirSync(join(data, 'new'))
  for (let each = 0; each < 60; each++) writeFileSync(join(data, 'new', `file-${each}`), noise(percent / 2 / 60))
  const candidates = await files()
  const some = candidates.filter((_, index) => index % Math.ceil(candidates.length / 10) === 0)
  for (const path of some) appendFileSync(path, noise(Math.ceil(percent / 2 / some.length)))
  const second = await backUp(`after 1 % was added (60 new files, ${some.length} files appended to)`, first.total)
  expect(second.sent).toBeGreaterThan(percent * 0.9)
  expect(second.sent).toBeLessThan(first.total * 0.05)

  const all = await files()
  const block = 4096
  const writes = Math.floor(percent / block)
  for (let each = 0; each < writes; each++) {
    const file = openSync(all[(each * 7919) % all.length] ?? '', 'r+')
    writeSync(file, noise(block), 0, block, 16_384 + (each % 4) * 8192)
    closeSync(file)
  }
  const third = await backUp(`after 1 % was written in ${writes} scattered places of ${block} bytes`, second.total)

  await registry.collectGarbage()
  await registry.collectGarbage({ untagged: true })
  await registry.stop()
  await registry.start()
  expect(await storedBytes(registry.dataDir)).toBe(third.total)
  expectExit(await cli('verify', '--deep'), 0)

  expectExit(await cli('restore', 'latest', 'web', '--to', at(other)), 0)
  expect(await sumsOf(other)).toBe(await sumsOf(host))
  expect(await docker(other, 'exec', 'web', 'cat', '/opt/changed')).toBe('changed')

  expectExit(await cli('forget', first.id, second.id, '--yes'), 0)
  await registry.collectGarbage({ untagged: true })
  const left = await storedBytes(registry.dataDir)
  process.stderr.write(`after the first two were forgotten and collected: ${(left / 1e6).toFixed(0)} MB of ${(third.total / 1e6).toFixed(0)} MB\n`)
  expect(left).toBeLessThan(third.total)
  expectExit(await cli('verify', '--deep'), 0)
}, limit)
