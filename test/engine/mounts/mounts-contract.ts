import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFileSync, closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { connectEngine } from '../../../src/engine/connect.ts'
import type { Engine } from '../../../src/engine/engine.ts'
import type { ListedEntry, MountTarget, ReaderKind } from '../../../src/mounts/mount-access.ts'
import { openMountReader, openMountWriter } from '../../../src/mounts/open-mount.ts'
import type { JournalEntry } from '../../../src/mounts/temporary-objects.ts'
import type { EngineName } from '../../lab/engines.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { makeOddTree } from '../../trees/odd-tree.ts'
import { diffSnapshots, snapshotTree, type SnapshotEntry } from '../../trees/snapshot-tree.ts'

const signal = new AbortController().signal
const run = 'r7f3a'

/** The three readers and writers against one engine. */
export function testMounts(engineName: EngineName): void {
  describe(`mounts on engine ${engineName}`, () => {
    let host: LabHost
    let engine: Engine
    let before: SnapshotEntry[]
    let source: MountTarget & { kind: 'volume' }
    const journal: JournalEntry[] = []
    let count = 0

    beforeAll(async () => {
      host = await startHost({ engine: engineName })
      engine = await connectEngine({ host: `unix://${host.socket}`, env: process.env })
      source = await newVolume()
      await makeOddTree(source.mountpoint)
      before = snapshotTree(source.mountpoint)
    }, 300_000)

    afterEach(async () => {
      const left = [
        ...(await engine.containers.list({ label: ['dev.drayage.run'] })).map(each => each.Names.join()),
        ...(await engine.volumes.list({ label: ['dev.drayage.run'] })).map(each => each.Name),
        ...(await engine.images.list()).map(each => each.RepoTags?.join() ?? each.Id),
      ]
      expect(left).toEqual([])
      expect(journal.every(({ name }) => name.includes(`drayage-${run}-`))).toBe(true)
    })

    afterAll(async () => {
      await engine.close()
      await host[Symbol.asyncDispose]()
    }, 60_000)

    async function newVolume(): Promise<MountTarget & { kind: 'volume' }> {
      const { Name, Mountpoint, Driver } = await engine.volumes.create({ Name: `vol${count++}` })
      return { kind: 'volume', name: Name, mountpoint: Mountpoint, driver: Driver }
    }
    const options = (target: MountTarget, reader: 'auto' | ReaderKind, until = signal) => ({ engine, target, reader, run, signal: until, journal: (entry: JournalEntry) => Promise.resolve(void journal.push(entry)) })
    const openReader = (target: MountTarget, reader: 'auto' | ReaderKind, until?: AbortSignal) => openMountReader(options(target, reader, until))
    const openWriter = (target: MountTarget, reader: 'auto' | ReaderKind, until?: AbortSignal) => openMountWriter(options(target, reader, until))
    const newDirectory = (): string => mkdtempSync(`${host.sharedDir}/tree-`)

    async function copy(from: ReaderKind, to: ReaderKind, mount: MountTarget = source): Promise<string> {
      const target = await newVolume()
      await using reader = await openReader(mount, from)
      await using writer = await openWriter(target, to)
      expect(await writer.isEmpty(signal)).toBe(true)
      const { tar, problems } = reader.stream(undefined, signal)
      expect(await writer.write(tar, signal)).toEqual({ problems: [] })
      expect(await problems).toEqual([])
      expect(await writer.isEmpty(signal)).toBe(false)
      return target.mountpoint
    }

    test.each([['host', 'host'], ['helper', 'helper'], ['host', 'helper'], ['helper', 'host']] as const)('%s to %s keeps every attribute', async (from, to) => {
      expect(diffSnapshots(before, snapshotTree(await copy(from, to)))).toEqual([])
    }, 120_000)

    test('api to api keeps everything but the losses it names', async () => {
      const seconds = (entry: SnapshotEntry) => (entry.mtime.startsWith('-') ? '0' : (BigInt(entry.mtime) / 1_000_000_000n).toString())
      const capability = (entry: SnapshotEntry) => Object.fromEntries(Object.entries(entry.xattrs).filter(([name]) => name === 'security.capability'))
      const group = (entry: SnapshotEntry) => ('system.posix_acl_access' in entry.xattrs ? 'any' : entry.mode)
      const setuidLost = (entry: SnapshotEntry) => engineName === '20.10' && entry.linkedTo?.startsWith('./setuid-linked') === true
      const kept = (entries: readonly SnapshotEntry[]) => entries.map(entry => ({ ...entry, sparse: false, mtime: seconds(entry), xattrs: capability(entry), mode: setuidLost(entry) ? '' : group(entry) }))
      const after = snapshotTree(await copy('api', 'api'))
      const acls = new Set(before.filter(entry => group(entry) === 'any').map(entry => entry.name))
      const comparable = (entries: readonly SnapshotEntry[]) => kept(entries).map(entry => (acls.has(entry.name) ? { ...entry, mode: 'any' } : entry))
      expect(diffSnapshots(comparable(before), comparable(after))).toEqual([])
    }, 120_000)

    test('host to api keeps the attributes that only the api reader loses', async () => {
      const kept = (entries: readonly SnapshotEntry[]) => entries.filter(entry => entry.name !== './acl/bare').map(entry => ({ ...entry, sparse: false, xattrs: valued(entry.xattrs), mtime: entry.mtime.startsWith('-') ? '0' : entry.mtime, mode: engineName === '20.10' && entry.linkedTo?.startsWith('./setuid-linked') === true ? '' : entry.mode }))
      expect(diffSnapshots(kept(before), kept(snapshotTree(await copy('host', 'api'))))).toEqual([])
    }, 120_000)

    // GNU tar 1.34 fills the device numbers of every header, 1.35 only those of devices: only one and the same tar gives the same bytes.
    test('host and helper give the same list, and the same tar the same bytes', async () => {
      const digests: string[] = []
      const lists: ListedEntry[][] = []
      for (const kind of ['host', 'helper'] as const) {
        await using reader = await openReader(source, kind)
        const entries: ListedEntry[] = []
        for await (const batch of reader.list(signal)) entries.push(...batch)
        lists.push(entries)
        const digest = createHash('sha256')
        for await (const chunk of reader.stream(undefined, signal).tar as AsyncIterable<Buffer>) digest.update(chunk)
        digests.push(digest.digest('hex'))
      }
      expect(lists[1]).toEqual(lists[0])
      await using again = await openReader(source, 'helper')
      const digest = createHash('sha256')
      for await (const chunk of again.stream(undefined, signal).tar as AsyncIterable<Buffer>) digest.update(chunk)
      expect(digests[1]).toBe(digest.digest('hex'))
      if (engineName === '20.10') expect(digests[1]).toBe(digests[0])
    }, 60_000)

    test('a helper that was prepared lists and streams the same, can be given up, and leaves nothing', async () => {
      const digestOf = async (prepared: number): Promise<string> => {
        await using reader = await openReader(source, 'helper')
        await reader.prepare?.(prepared, signal)
        const containers = (await engine.containers.list({ label: ['dev.drayage.run'], status: ['running'] })).length
        expect(containers).toBe(prepared)
        const digest = createHash('sha256')
        for await (const batch of reader.list(signal)) for (const { path } of batch) digest.update(path)
        const { tar, problems } = reader.stream(undefined, signal)
        for await (const chunk of tar as AsyncIterable<Buffer>) digest.update(chunk)
        expect(await problems).toEqual([])
        return digest.digest('hex')
      }
      expect(await digestOf(4)).toBe(await digestOf(0))
      await using reader = await openReader(source, 'helper')
      await reader.prepare?.(1, signal)
      const given = new AbortController()
      const { tar, problems } = reader.stream(endless(given.signal), given.signal)
      problems.catch(() => undefined)
      tar.once('data', () => given.abort(new Error('given up')))
      await expect(tar.toArray()).rejects.toThrow('given up')
    }, 120_000)

    test('auto takes host for a volume and for a bind that it sees, and says why', async () => {
      const directory = newDirectory()
      writeFileSync(`${directory}/file`, 'x')
      for (const target of [source, { kind: 'directory', path: directory }, { kind: 'file', path: `${directory}/file` }] as const) {
        await using reader = await openReader(target, 'auto')
        expect([reader.kind, reader.chosenBecause]).toEqual(['host', expect.stringContaining('holds the engine\'s own files')])
        await using writer = await openWriter(target, 'auto')
        expect(writer.kind).toBe('host')
      }
    }, 60_000)

    test('a bind whose path is something else here is read through the helper', async () => {
      const directory = newDirectory()
      writeFileSync(`${directory}/only-outside`, '')
      await host.sh(`mount -t tmpfs none '${directory}' && touch '${directory}/only-inside'`)
      await using reader = await openReader({ kind: 'directory', path: directory }, 'auto')
      expect([reader.kind, reader.chosenBecause]).toEqual(['helper', expect.stringContaining('is not the same on this machine as for the engine')])
      expect(await namesOf(reader.list(signal))).toEqual(['.', './only-inside'])
      await expect(openReader({ kind: 'directory', path: directory }, 'host')).rejects.toMatchObject({ code: 'refused' })
    }, 60_000)

    test('a volume that is mounted only in use is read through the helper', async () => {
      const { Name: name, Mountpoint: mountpoint } = await engine.volumes.create({ Name: `vol${count++}`, DriverOpts: { type: 'none', o: 'bind', device: source.mountpoint } })
      await using reader = await openReader({ kind: 'volume', name, mountpoint, driver: 'local' }, 'auto')
      expect([reader.kind, reader.chosenBecause]).toEqual(['helper', expect.stringContaining('mounted only while a container uses it')])
      expect((await namesOf(reader.list(signal))).length).toBeGreaterThan(50)
    }, 60_000)

    test('a missing bind is an error, and no directory is made for it', async () => {
      const path = `${host.sharedDir}/missing`
      for (const reader of ['auto', 'host', 'helper', 'api'] as const) await expect(openReader({ kind: 'directory', path }, reader)).rejects.toThrow(path)
      expect(existsSync(path)).toBe(false)
    }, 60_000)

    test.each(['host', 'helper', 'api'] as const)('%s replaces a single file', async kind => {
      const [from, to] = [newDirectory(), newDirectory()]
      writeFileSync(`${from}/a file`, 'new')
      execFileSync('sh', ['-c', 'chown 33:44 "$1"; chmod 640 "$1"; touch -d 2001-02-03T04:05:06Z "$1"', 'sh', `${from}/a file`])
      writeFileSync(`${from}/beside`, 'not read')
      writeFileSync(`${to}/a file`, 'old and longer')
      writeFileSync(`${to}/beside`, 'untouched')
      const { ino } = statSync(`${to}/a file`)
      const held = openSync(`${to}/a file`, 'r')
      await using reader = await openReader({ kind: 'file', path: `${from}/a file` }, kind)
      await using writer = await openWriter({ kind: 'file', path: `${to}/a file` }, kind)
      expect(await writer.isEmpty(signal)).toBe(false)
      const { tar, problems } = reader.stream(undefined, signal)
      await writer.write(tar, signal)
      expect(await problems).toEqual([])
      const [, , after] = snapshotTree(to)
      const [, wanted] = snapshotTree(from)
      expect(snapshotTree(to).find(entry => entry.name === './a file')).toEqual(wanted)
      expect(after?.name).toBe('./beside')
      expect(readFileSync(`${to}/beside`, 'utf8')).toBe('untouched')
      if (kind !== 'api') expect([readFileSync(held, 'utf8'), statSync(`${to}/a file`).ino]).toEqual(['new', ino])
      closeSync(held)
    }, 60_000)

    test.each(['host', 'helper', 'api'] as const)('%s writes a single file under another name, or says that it cannot', async kind => {
      const [from, to] = [newDirectory(), newDirectory()]
      writeFileSync(`${from}/.old name`, 'new')
      execFileSync('sh', ['-c', 'chown 33:44 "$1"; chmod 4750 "$1"; setfattr -n user.a -v b "$1"; touch -d 2001-02-03T04:05:06Z "$1"', 'sh', `${from}/.old name`])
      writeFileSync(`${to}/.old name`, 'a file beside')
      await using reader = await openReader({ kind: 'file', path: `${from}/.old name` }, kind === 'helper' ? 'helper' : 'host')
      await using writer = await openWriter({ kind: 'file', path: `${to}/-new` }, kind)
      const writing = writer.write(reader.stream(undefined, signal).tar, signal)
      if (kind === 'api') await expect(writing).rejects.toMatchObject({ code: 'refused' })
      else await writing
      expect(readFileSync(`${to}/.old name`, 'utf8')).toBe('a file beside')
      const [, wanted] = snapshotTree(from)
      expect(snapshotTree(to).map(({ name }) => name)).toEqual(['.', ...(kind === 'api' ? [] : ['./-new']), './.old name'])
      if (kind !== 'api') expect(snapshotTree(to)[1]).toEqual({ ...wanted, name: './-new' })
    }, 60_000)

    test.each(['host', 'helper'] as const)('%s lists what shrank and vanished, and reads the rest', async kind => {
      const target = await fill({ '1-shrinks': 200 << 20, '2-grows': 64 << 20, '3-vanishes': 10, '4-stays': 10 })
      await using reader = await openReader(target, kind)
      const { tar, problems } = reader.stream(undefined, signal)
      await new Promise(resolve => tar.once('readable', resolve))
      disturb(target)
      const names = execFileSync('tar', ['-t', '--ignore-zeros'], { input: Buffer.concat((await tar.toArray()) as Buffer[]), maxBuffer: 1 << 20 }).toString()
      expect((await problems).map(({ path, problem }) => `${problem} ${path.toString()}`)).toEqual(expect.arrayContaining(['shrank ./1-shrinks', 'vanished ./3-vanishes']))
      expect(names).toContain('./4-stays')
    }, 60_000)

    test('the api reader fails when the engine cuts the archive', async () => {
      const target = await fill({ '1-shrinks': 200 << 20, '2-grows': 64 << 20, '3-vanishes': 10, '4-stays': 10 })
      await using reader = await openReader(target, 'api')
      const { tar, problems } = reader.stream(undefined, signal)
      await new Promise(resolve => tar.once('readable', resolve))
      disturb(target)
      await expect(tar.toArray()).rejects.toMatchObject({ code: 'io-failed', message: expect.stringContaining('is cut') })
      await expect(problems).rejects.toMatchObject({ code: 'io-failed' })
    }, 60_000)

    test.each(['host', 'helper', 'api'] as const)('%s: an aborted read and an aborted write leave nothing behind', async kind => {
      const target = await fill({ big: 100 << 20 })
      const reading = new AbortController()
      const reader = await openReader(target, kind, reading.signal)
      const { tar, problems } = reader.stream(undefined, reading.signal)
      await new Promise(resolve => tar.once('readable', resolve))
      reading.abort(new Error('stop reading'))
      await expect(tar.toArray()).rejects.toThrow('stop reading')
      await expect(problems).rejects.toThrow('stop reading')
      await reader[Symbol.asyncDispose]()

      const writing = new AbortController()
      await using whole = await openReader(target, 'host')
      const writer = await openWriter(await newVolume(), kind, writing.signal)
      const stream = whole.stream(undefined, signal)
      async function* slowly() {
        let first = true
        for await (const chunk of stream.tar as AsyncIterable<Buffer>) {
          yield chunk
          if (first) setImmediate(() => writing.abort(new Error('stop writing')))
          first = false
        }
      }
      await expect(writer.write(Readable.from(slowly(), { objectMode: false }), writing.signal)).rejects.toThrow('stop writing')
      await writer[Symbol.asyncDispose]()
    }, 60_000)

    test.each(['host', 'helper'] as const)('%s empties a volume', async kind => {
      const target = await newVolume()
      await makeOddTree(target.mountpoint, { sparseBytes: 1000 })
      await using writer = await openWriter(target, kind)
      await writer.empty(signal)
      expect(await writer.isEmpty(signal)).toBe(true)
      expect(await namesOf(writer.list(signal))).toEqual(['.'])
    }, 60_000)

    test('api does not empty a volume, and says so', async () => {
      const target = await fill({ file: 1 })
      await using writer = await openWriter(target, 'api')
      await expect(writer.empty(signal)).rejects.toMatchObject({ code: 'conflict' })
    }, 60_000)

    test.each(['host', 'helper'] as const)('%s: sync gives the clock of the engine\'s host', async kind => {
      await using reader = await openReader(source, kind)
      const clock = Number(await reader.sync(signal))
      expect(Math.abs(clock - Date.now() / 1000)).toBeLessThan(10)
    }, 60_000)

    test('through ssh the host reader runs there', async () => {
      const there = await connectEngine({ host: host.ssh.endpoint, env: { ...process.env, ...host.ssh.env } })
      try {
        const target = await newVolume()
        await using reader = await openMountReader({ ...options(source, 'auto'), engine: there })
        await using writer = await openMountWriter({ ...options(target, 'auto'), engine: there })
        expect([reader.kind, writer.kind]).toEqual(['host', 'host'])
        expect(reader.chosenBecause).toContain('ssh://')
        await writer.write(reader.stream(undefined, signal).tar, signal)
        expect(diffSnapshots(before, snapshotTree(target.mountpoint))).toEqual([])
      } finally {
        await there.close()
      }
    }, 120_000)

    async function fill(files: Record<string, number>): Promise<MountTarget & { kind: 'volume' }> {
      const target = await newVolume()
      mkdirSync(target.mountpoint, { recursive: true })
      for (const [name, bytes] of Object.entries(files)) writeFileSync(`${target.mountpoint}/${name}`, Buffer.alloc(bytes, 1))
      return target
    }

    function disturb(target: MountTarget & { kind: 'volume' }): void {
      truncateSync(`${target.mountpoint}/1-shrinks`, 1000)
      appendFileSync(`${target.mountpoint}/2-grows`, 'more')
      rmSync(`${target.mountpoint}/3-vanishes`)
    }
  })
}

const valued = (xattrs: SnapshotEntry['xattrs']) => Object.fromEntries(Object.entries(xattrs).filter(([, value]) => value !== '0x'))

async function namesOf(batches: AsyncIterable<readonly ListedEntry[]>): Promise<string[]> {
  const names: string[] = []
  for await (const batch of batches) names.push(...batch.map(entry => entry.path.toString('latin1')))
  return names
}

/** The root, over and over until it is given up. */
async function* endless(signal: AbortSignal): AsyncGenerator<Buffer[]> {
  while (!signal.aborted) {
    yield Array.from({ length: 1000 }, () => Buffer.from('.'))
    await new Promise(resolve => setImmediate(resolve))
  }
}
