import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { connectEngine } from '../../../src/engine/connect.ts'
import { markedEntries } from '../../../src/integrity/marked-entries.ts'
import { readBackup, readMount } from '../../../src/store/backup-graph.ts'
import { findBackup, listBackups } from '../../../src/store/backup-list.ts'
import { childAnnotationNames } from '../../../src/store/backup-summary.ts'
import { ChunkReader } from '../../../src/store/chunk-reader.ts'
import { hexOf } from '../../../src/store/digest.ts'
import { readImage } from '../../../src/store/image-store.ts'
import type { Digest } from '../../../src/store/oci.ts'
import { openRepository, type LocalRepository } from '../../../src/store/repository.ts'
import { backUpContainers } from '../../../src/workflows/backup.ts'
import type { Reporter } from '../../../src/workflows/reporter.ts'
import { startRun } from '../../../src/workflows/run.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { at, docker, expectExit, inspect, inventory, installDray, type Dray } from './dray.ts'
import { dataOf, destroy, differences, mountpoint } from './whole-container.ts'

let host: LabHost
let dray: Dray
let repository: LocalRepository

beforeAll(async () => {
  host = await startHost({ engine: '20.10' })
}, 60_000)
afterAll(async () => {
  await host[Symbol.asyncDispose]()
}, 60_000)
beforeEach(async () => {
  dray = await installDray({ DOCKER_HOST: at(host) })
  await busyboxImage(host, 'app:1', { cmd: ['sleep', '100000'] })
  await host.sh(`docker run -d --name web -v data:/data app:1 >/dev/null; docker exec web sh -c '
    cd /data; mkdir -m 2750 sub; head -c 3000000 /dev/urandom > sub/large; ln sub/large sub/linked; ln -s large sub/symlink; chown 7:8 sub/large
    for i in $(seq 1 60); do mkdir -p d$i; head -c 300000 /dev/urandom > d$i/file; head -c 900 /dev/urandom > d$i/small; done; echo changed > /in-layer'`)
}, 60_000)
afterEach(async () => {
  await repository.close()
  await destroy(host)
  await dray[Symbol.asyncDispose]()
}, 60_000)

type VerifyResult = { readonly movedAside: readonly Digest[]; readonly backups: readonly { readonly id: string; readonly whole: boolean; readonly losses: readonly { readonly name: string; readonly paths?: readonly string[] }[] }[] }
type RestoreResult = { readonly restored: readonly { readonly mounts: readonly { readonly lost: readonly { readonly path: string; readonly lost: string }[] }[]; readonly images: { readonly lost: readonly string[] } }[] }

async function backUp(): Promise<string> {
  const [id = ''] = expectExit(await dray('backup', 'web'), 0).result.ids
  repository = await openRepository(dray.repository, { create: false })
  return id
}

const pathOf = (digest: Digest): string => join(repository.paths.blobs, hexOf(digest))

function flipBit(digest: Digest): void {
  const bytes = readFileSync(pathOf(digest))
  const middle = bytes.length >> 1
  bytes[middle] = (bytes[middle] ?? 0) ^ 1
  writeFileSync(pathOf(digest), bytes)
}

/** The chunk that holds the middle of a file's data, and every path that is lost with it. */
async function chunkOf(id: string, path: string): Promise<{ digest: Digest; lost: string[] }> {
  const { mounts } = await readBackup(repository.blobs, (await findBackup(repository, id)).descriptor)
  const { content } = await readMount(repository.blobs, mounts[0]!)
  const source = new ChunkReader(repository.blobs)
  for await (const marked of markedEntries(source, content, () => false)) {
    if (!('entry' in marked) || marked.entry.path.toString() !== path) continue
    const middle = marked.entry.offset + marked.entry.headerBytes + (marked.entry.size >> 1)
    let from = 0
    const chunk = content.chunks.find(({ length }) => (from += length) > middle)!
    const lost: string[] = []
    for await (const each of markedEntries(source, content, ({ digest }) => digest === chunk.digest)) if ('entry' in each && each.left === 'lost') lost.push(each.entry.path.toString())
    return { digest: chunk.digest, lost }
  }
  throw new Error(`no "${path}"`)
}

test('a bit that flips in a chunk is found, moved aside, named with its files, stored again by the next backup, and the first backup is whole again', async () => {
  const id = await backUp()
  const before = await dataOf(host, 'web', '/in-layer')
  expectExit(await dray('verify', '--deep'), 0)
  const { digest, lost } = await chunkOf(id, './sub/large')
  flipBit(digest)
  const found = expectExit(await dray('verify'), 20).result as unknown as VerifyResult
  expect(found).toMatchObject({ movedAside: [digest], backups: [{ id, whole: false }] })
  expect(found.backups[0]!.losses.flatMap(({ paths }) => paths)).toEqual(lost)
  expect(lost).toEqual(['./sub/large', './sub/linked'])
  const doctor = expectExit(await dray.plain(['doctor']), 3)
  expect(doctor.stdout).toContain(digest)
  expectExit(await dray('restore', id, '--name', 'other'), 20)
  expectExit(await dray('backup', 'web'), 0)
  expect(expectExit(await dray('verify', '--deep'), 0).result).toMatchObject({ verdict: 'valid', backups: [{ id, whole: true }, { whole: true }] })
  await destroy(host)
  expectExit(await dray('restore', id), 0)
  expect(differences(before, await dataOf(host, 'web', '/in-layer'))).toEqual([])
}, 120_000)

test('what is left of a damaged backup comes back with --skip-damaged, and everything else is named', async () => {
  const id = await backUp()
  const root = await mountpoint(host, 'data')
  const kept = await host.sh(`cd ${root}; find . -type f -printf '%p %m %U:%G %s %T@ ' -exec sha256sum {} \\; | sort`)
  const chunks = [await chunkOf(id, './d5/file'), await chunkOf(id, './sub/large')]
  for (const { digest } of chunks) flipBit(digest)
  const lost = [...new Set(chunks.flatMap(each => each.lost))]
  // Two chunks of at most 8 MiB out of 21 MB: something is left, wherever the cuts fall.
  expect(lost.length).toBeLessThan(kept.trim().split('\n').length)
  await destroy(host)
  const empty = await inventory(host)
  // The size is right, so that it shows only while it is written.
  const failed = expectExit(await dray('restore', id), 40)
  expect(failed.stderr).toContain('--skip-damaged')
  expect(await inventory(host)).toEqual(empty)
  const { result } = expectExit(await dray('restore', id, '--skip-damaged'), 3)
  const [restored] = (result as unknown as RestoreResult).restored
  expect(restored!.mounts.flatMap(mount => mount.lost.filter(({ lost: what }) => !what.startsWith('its extended')).map(({ path }) => path)).sort()).toEqual([...lost].sort())
  const lines = kept.split('\n').filter(line => !lost.some(path => line.startsWith(`${path} `)))
  expect((await host.sh(`cd ${await mountpoint(host, 'data')}; find . -type f -printf '%p %m %U:%G %s %T@ ' -exec sha256sum {} \\; | sort`)).split('\n')).toEqual(lines)
  expect((await host.sh(`stat -c %a ${await mountpoint(host, 'data')}/sub`)).trim()).toBe('2750')
}, 120_000)

test('a damaged writable layer is left out, and the container made from its own image', async () => {
  const id = await backUp()
  const { images } = await readBackup(repository.blobs, (await findBackup(repository, id)).descriptor)
  const commit = images.find(({ annotations }) => annotations?.[childAnnotationNames.imageRole] === 'commit')!
  const { layers } = await readImage(repository.blobs, commit)
  flipBit(layers.at(-1)!.descriptor.digest)
  await destroy(host)
  const { result } = expectExit(await dray('restore', id, '--skip-damaged'), 3)
  expect((result as unknown as RestoreResult).restored[0]!.images.lost).toEqual([expect.stringContaining('writable layer: ')])
  expect((await inspect(host, 'web')).Config.Image).toBe('app:1')
  expect((await docker(host, 'exec', 'web', 'sh', '-c', 'ls /in-layer /data/d1 2>&1 || true'))).toContain('No such file')
}, 120_000)

test('a blob that is moved aside while a backup runs that counts on it is stored by that backup', async () => {
  const id = await backUp()
  const { digest } = await chunkOf(id, './sub/large')
  const { signal } = new AbortController()
  await using engine = { it: await connectEngine({ host: at(host), env: {}, signal }), async [Symbol.asyncDispose]() { await this.it.close() } }
  const warnings: string[] = []
  let isMoved = false
  const reporter: Reporter = {
    of: () => reporter,
    stepStarted: (name: string) => {
      if (name !== 'write the backup' || isMoved) return
      isMoved = true
      renameSync(pathOf(digest), join(dray.home, 'aside'))
    },
    stepEnded: () => undefined, compensated: () => undefined, note: () => undefined,
    warn: (text: string) => void warnings.push(text),
    transfer: () => ({ add: () => undefined, expect: () => undefined, end: () => undefined }),
  }
  const run = await startRun({ journalFolder: join(dray.state, 'journal'), command: 'test', reporter, signal })
  await using lock = await repository.lock('shared', { command: 'test' })
  const options = { containers: ['web'], consistency: 'pause', include: [], exclude: [], reader: 'auto', withImage: true, tags: [], imageTags: [], commit: { changes: [] }, version: '0' } as const
  await backUpContainers({ run, engine: engine.it, repository, lock, options })
  expect(await run.journal.close()).toEqual([])
  expect(isMoved).toBe(true)
  expect(warnings).toEqual(expect.arrayContaining([expect.stringContaining('once more')]))
  expect(await listBackups(repository)).toHaveLength(2)
  expectExit(await dray('verify', '--deep'), 0)
}, 120_000)
