import { link, mkdir, mkdtemp, rename, rm, stat, unlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { connectEngine } from '../../../src/engine/connect.ts'
import type { Engine } from '../../../src/engine/engine.ts'
import { openMountReader, openMountWriter } from '../../../src/mounts/open-mount.ts'
import { ChunkStore } from '../../../src/store/chunk-store.ts'
import { openContent } from '../../../src/store/content-reader.ts'
import { openRepository, type LocalRepository } from '../../../src/store/repository.ts'
import type { CaptureReport } from '../../../src/workflows/mount-content.ts'
import { captureMount } from '../../../src/workflows/steps/capture-mount.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { MappedPage } from '../../trees/mapped-page.ts'
import { makeOddTree } from '../../trees/odd-tree.ts'
import { diffSnapshots, snapshotTree } from '../../trees/snapshot-tree.ts'

const never = new AbortController().signal
const transfer = { add: () => undefined, expect: () => undefined, end: () => undefined }
let host: LabHost
let engine: Engine
let folder: string
let repository: LocalRepository
let store: ChunkStore

beforeAll(async () => {
  host = await startHost({ engine: '20.10' })
  engine = await connectEngine({ host: `unix://${host.socket}`, env: process.env })
  folder = await mkdtemp(join(tmpdir(), 'drayage-capture-'))
  repository = await openRepository(join(folder, 'repo'), { create: true })
  store = new ChunkStore(repository)
}, 120_000)

afterAll(async () => {
  await repository.close()
  await rm(folder, { recursive: true, force: true })
  await engine.close()
  await host[Symbol.asyncDispose]()
}, 60_000)

async function volume(name: string): Promise<{ kind: 'volume'; name: string; mountpoint: string; driver: string }> {
  const { Mountpoint, Driver } = await engine.volumes.create({ Name: name })
  return { kind: 'volume', name, mountpoint: Mountpoint, driver: Driver }
}

async function capture(target: Awaited<ReturnType<typeof volume>>, base?: CaptureReport, syncedAt?: string): Promise<CaptureReport> {
  await using reader = await openMountReader({ engine, target, reader: 'host', run: 'test', signal: never })
  const moment = syncedAt ?? (await reader.sync(never))
  return await captureMount({ reader, repository, store, syncedAt: moment, transfer, signal: never, ...(base ? { base } : {}) })
}

async function expectRestored(report: CaptureReport, source: string, name: string): Promise<void> {
  const target = await volume(name)
  await using writer = await openMountWriter({ engine, target, reader: 'host', run: 'test', signal: never })
  await writer.write(openContent(store, report.content.chunks), never)
  const before = snapshotTree(source).filter(({ type }) => type !== 'socket')
  expect(diffSnapshots(before, snapshotTree(target.mountpoint))).toEqual([])
}

/** As if the data had lain there for a while: whatever is younger than the write-back is read again on purpose. */
const later = (): string => `${Math.floor(Date.now() / 1000) + 10}.000000000`

test('every odd entry comes back equal, and an unchanged tree is taken over without being read', async () => {
  const source = await volume('odd')
  await makeOddTree(source.mountpoint, { sparseBytes: 32 * 1024 * 1024 })
  await writeFile(join(source.mountpoint, 'big'), Buffer.alloc(3 * 1024 * 1024, 'b'))
  const first = await capture(source, undefined, later())
  expect(first.problems).toEqual([])
  await expectRestored(first, source.mountpoint, 'odd-1')
  const second = await capture(source, first, later())
  const now = Date.now() / 1000 + 10
  const fromTheFuture = snapshotTree(source.mountpoint).filter(({ mtime }) => Number(mtime) / 1e9 > now)
  expect(fromTheFuture.length).toBeLessThan(4)
  expect(second.keptEntries).toBe(second.facts.entries - fromTheFuture.length)
  expect(second.content).toEqual(first.content)
  expect(second.facts).toMatchObject({ entries: first.facts.entries, dataBytes: first.facts.dataBytes, hardLinks: first.facts.hardLinks, tarBytes: first.facts.tarBytes })
}, 60_000)

test('changed, added, removed and replaced entries are read, the rest is kept', async () => {
  const source = await volume('changing')
  const at = (name: string): string => join(source.mountpoint, name)
  await mkdir(at('d'))
  for (let i = 0; i < 300; i++) await writeFile(at(`d/file-${String(i).padStart(3, '0')}`), `${i}`.repeat(2000))
  const first = await capture(source, undefined, later())
  await writeFile(at('d/file-007'), 'changed')
  await unlink(at('d/file-100'))
  await writeFile(at('d/added'), 'new')
  const { size, atime, mtime } = await stat(at('d/file-200'))
  await writeFile(at('other'), 'x'.repeat(size))
  await utimes(at('other'), atime, mtime)
  await rename(at('other'), at('d/file-200'))
  const second = await capture(source, first, later())
  expect(second.keptEntries).toBe(300 - 3)
  await expectRestored(second, source.mountpoint, 'changing-1')
}, 60_000)

test('a directory of hard links that is renamed leaves no link without its file', async () => {
  const source = await volume('links')
  const at = (name: string): string => join(source.mountpoint, name)
  await mkdir(at('a'))
  await mkdir(at('b'))
  await writeFile(at('a/x'), 'linked')
  await link(at('a/x'), at('b/x'))
  const first = await capture(source, undefined, later())
  await rename(at('a'), at('z'))
  const second = await capture(source, first, later())
  await expectRestored(second, source.mountpoint, 'links-1')
}, 60_000)

test('what was modified since dirty pages were written back is read again, whatever its times say', async () => {
  const source = await volume('young')
  await writeFile(join(source.mountpoint, 'young'), 'young')
  const first = await capture(source, undefined, '1000.000000000')
  const second = await capture(source, first)
  expect(second.keptEntries).toBe(0)
}, 60_000)

test('a write into a mapped page that is dirty already, which no time tells, is read in the second pass', async () => {
  const source = await volume('mapped')
  const path = join(source.mountpoint, 'page')
  await writeFile(path, Buffer.alloc(4096, '.'))
  await using page = await MappedPage.of(path)
  const target = { engine, target: source, reader: 'host' as const, run: 'test', signal: never }
  await using reader = await openMountReader(target)
  const syncedAt = await reader.sync(never)
  const pass = (base?: CaptureReport): Promise<CaptureReport> => captureMount({ reader, repository, store, syncedAt, transfer, signal: never, ...(base ? { base } : {}) })
  const bytesIn = async (report: CaptureReport): Promise<string> => Buffer.concat(await openContent(store, report.content.chunks).toArray() as Buffer[]).toString('latin1')

  await page.write('1111')
  const afterFirst = await stat(path, { bigint: true })
  const first = await pass()
  await page.write('2222')
  const afterSecond = await stat(path, { bigint: true })
  expect(afterSecond).toMatchObject({ mtimeNs: afterFirst.mtimeNs, ctimeNs: afterFirst.ctimeNs, size: afterFirst.size, ino: afterFirst.ino })
  const second = await pass(first)
  expect(await bytesIn(first)).toContain('1111....')
  expect(await bytesIn(second)).toContain('2222....')
}, 60_000)

test('when pages were written back, the next write into a mapped page moves the times, and is read in the next backup', async () => {
  const source = await volume('mapped-clean')
  const path = join(source.mountpoint, 'page')
  await writeFile(path, Buffer.alloc(4096, '.'))
  await using page = await MappedPage.of(path)
  await page.write('1111')
  const first = await capture(source)
  await page.write('2222')
  const second = await capture(source, first)
  expect(Buffer.concat(await openContent(store, second.content.chunks).toArray() as Buffer[]).toString('latin1')).toContain('2222....')
}, 60_000)
