import { execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { connectEngine } from '../../../src/engine/connect.ts'
import type { Engine } from '../../../src/engine/engine.ts'
import type { MountTarget, ReaderKind } from '../../../src/mounts/mount-access.ts'
import { startRun, temporaryJournal, type Run } from '../../../src/workflows/run.ts'
import { openMountCopy, type MountCopy } from '../../../src/workflows/steps/copy-mount.ts'
import { moveVolumeData } from '../../../src/workflows/steps/move-volume-data.ts'
import type { EngineName } from '../../lab/engines.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { addChangeable, changeTree } from '../../trees/change-tree.ts'
import { MappedPage } from '../../trees/mapped-page.ts'
import { makeOddTree } from '../../trees/odd-tree.ts'
import { diffSnapshots, snapshotTree } from '../../trees/snapshot-tree.ts'

const never = new AbortController().signal
const transfer = { add: () => undefined, expect: () => undefined, end: () => undefined }
const reporter = { started: () => undefined, ended: () => undefined, note: () => undefined, warn: () => undefined, transfer: () => transfer }

type Volume = MountTarget & { readonly kind: 'volume' }
type Side = { readonly host: LabHost; readonly near: Engine; /** Through ssh. */ readonly far: Engine }

/** A mount is copied from one engine to another one. */
export function testMountCopies(sourceEngine: EngineName, targetEngine: EngineName, { thorough = false } = {}): void {
  describe(`from ${sourceEngine} to ${targetEngine}`, () => {
    let source: Side
    let target: Side
    let run: Run
    let folder: string
    let count = 0

    beforeAll(async () => {
      ;[source, target] = await Promise.all([openSide(sourceEngine), openSide(targetEngine)])
      folder = await mkdtemp(join(tmpdir(), 'drayage-copy-'))
      run = await startRun({ journalFolder: folder, command: 'dray migrate', reporter: reporter as unknown as Run['reporter'], signal: never })
    }, 300_000)

    afterEach(async () => {
      for (const { near } of [source, target]) {
        expect((await near.containers.list({ label: ['dev.drayage.run'] })).map(({ Names }) => Names.join())).toEqual([])
        expect((await near.images.list()).map(({ RepoTags, Id }) => RepoTags?.join() ?? Id)).toEqual([])
      }
    })

    afterAll(async () => {
      await rm(folder, { recursive: true, force: true })
      for (const { host, near, far } of [source, target]) {
        await near.close()
        await far.close()
        await host[Symbol.asyncDispose]()
      }
    }, 60_000)

    async function newVolume({ near }: Side, options = {}): Promise<Volume> {
      const { Name, Mountpoint, Driver } = await near.volumes.create({ Name: `vol${count++}`, ...options })
      return { kind: 'volume', name: Name, mountpoint: Mountpoint, driver: Driver }
    }

    type CopyOptions = { readonly from: MountTarget; readonly to: MountTarget; readonly reader?: 'auto' | ReaderKind; readonly over?: 'near' | 'far' }
    async function openCopy({ from, to, reader = 'auto', over = 'near' }: CopyOptions): Promise<MountCopy> {
      return await openMountCopy({ run, source: source[over], target: target[over], from, to, label: 'data', reader, sourceJournal: temporaryJournal(run, source[over]), targetJournal: temporaryJournal(run, target[over]) })
    }

    /** The engines' trees have none; a host that is not reached through ssh has this machine's. */
    async function hasSetfattr({ writer }: MountCopy, over: 'near' | 'far'): Promise<boolean> {
      if (writer === 'host' && over === 'near') return true
      return await target.host.sh('command -v setfattr').then(() => true, () => false)
    }

    function expectSame(from: Volume, to: Volume): void {
      const wanted = snapshotTree(from.mountpoint).filter(({ type }) => type !== 'socket')
      expect(diffSnapshots(wanted, snapshotTree(to.mountpoint))).toEqual([])
    }

    async function fill(side: Side, files: Readonly<Record<string, string>>): Promise<Volume> {
      const volume = await newVolume(side)
      for (const [name, content] of Object.entries(files)) {
        mkdirSync(join(volume.mountpoint, name, '..'), { recursive: true })
        writeFileSync(join(volume.mountpoint, name), content)
      }
      return volume
    }

    test.each([['host', 'far'], ['helper', 'near'], ...(thorough ? [['helper', 'far'], ['host', 'near']] as const : [])] as const)('by %s (%s), an odd tree in which everything changes between the passes becomes equal in every attribute', async (reader, over) => {
      const [from, to] = [await newVolume(source), await newVolume(target)]
      await makeOddTree(from.mountpoint, { sparseBytes: 32 * 1024 * 1024 })
      addChangeable(from.mountpoint)
      await using copy = await openCopy({ from, to, reader, over })
      expect([copy.reader, copy.writer]).toEqual([reader, reader])
      const first = await copy.precopy(never)
      expect([first.problems, first.losses]).toEqual([[], []])
      expectSame(from, to)
      expect(await copy.compare({ content: true }, never)).toEqual([])
      await expectUnsettledPast(from)

      changeTree(from.mountpoint)
      expect((await copy.compare({ content: false }, never)).length).toBe(20)
      await copy.prepare(never)
      const last = await copy.finish(never)
      expect([last.problems, last.losses]).toEqual([[], await hasSetfattr(copy, over) ? [] : ['.: the extended attribute "user.drayage" cannot be removed without the program setfattr there']])
      if (last.losses.length > 0) execFileSync('setfattr', ['-x', 'user.drayage', to.mountpoint])
      expectSame(from, to)
      expect(await copy.compare({ content: true }, never)).toEqual([])
      expect(last.removedEntries).toBeGreaterThan(5)
      const again = await copy.finish(never)
      expect(again.removedEntries).toBe(0)
      expectSame(from, to)
    }, 120_000)

    test.each([['host', 'helper'], ['helper', 'host']] as const)('what is read by %s is written by %s', async (reading, writing) => {
      const from = await newVolume(source, reading === 'helper' ? { DriverOpts: { type: 'none', o: 'bind', device: source.host.sharedDir } } : {})
      const to = await newVolume(target, writing === 'helper' ? { DriverOpts: { type: 'none', o: 'bind', device: target.host.sharedDir } } : {})
      const at = (volume: Volume, side: Side) => (volume === (side === source ? from : to) && (side === source ? reading : writing) === 'helper' ? side.host.sharedDir : volume.mountpoint)
      writeFileSync(join(at(from, source), 'a'), 'a')
      await using copy = await openCopy({ from, to })
      expect([copy.reader, copy.writer]).toEqual([reading, writing])
      await copy.precopy(never)
      writeFileSync(join(at(from, source), 'b'), 'b')
      unlinkSync(join(at(from, source), 'a'))
      await copy.finish(never)
      expect(await copy.compare({ content: true }, never)).toEqual([])
      expect([existsSync(join(at(to, target), 'a')), readFileSync(join(at(to, target), 'b'), 'utf8')]).toEqual([false, 'b'])
    }, 60_000)

    test('only what has changed is sent, and unchanged files keep their inodes', async () => {
      const from = await fill(source, Object.fromEntries(Array.from({ length: 300 }, (_, number) => [`d/${number}`, 'x'.repeat(5000)])))
      await source.host.sh(`touch -d 2020-01-01 ${from.mountpoint}/d ${from.mountpoint}/d/* ${from.mountpoint}`)
      const to = await newVolume(target)
      await using copy = await openCopy({ from, to })
      const first = await copy.precopy(never)
      expect(first.entries).toBe(302)
      await expectUnsettledPast(from)
      await copy.precopy(never)
      const { ino } = statSync(`${to.mountpoint}/d/7`)
      writeFileSync(`${from.mountpoint}/d/9`, 'changed')
      const last = await copy.finish(never)
      expect(last).toMatchObject({ entries: 302, sentEntries: 2, removedEntries: 0, problems: [] })
      expect(last.sentBytes).toBeLessThan(100_000)
      expect(statSync(`${to.mountpoint}/d/7`).ino).toBe(ino)
      expectSame(from, to)
    }, 60_000)

    test('a write into a mapped page that is dirty already, which no time tells, is sent in the end', async () => {
      const [from, to] = [await fill(source, { page: '.'.repeat(4096) }), await newVolume(target)]
      await using page = await MappedPage.of(`${from.mountpoint}/page`)
      await using copy = await openCopy({ from, to })
      await copy.precopy(never)
      await page.write('1111')
      await copy.precopy(never)
      await page.write('2222')
      await copy.finish(never)
      expect(readFileSync(`${to.mountpoint}/page`, 'utf8').slice(0, 8)).toBe('2222....')
    }, 60_000)

    test('a directory that was away while it was read, and is back as it was, is not taken for copied', async () => {
      const [from, to] = [await fill(source, { 'a/big': 'x'.repeat(30_000_000), 'b/file': 'file' }), await newVolume(target)]
      await source.host.sh(`touch -d 2020-01-01 ${from.mountpoint}/b/file`)
      await using copy = await openCopy({ from, to })
      const away = setInterval(() => {
        if (!existsSync(`${to.mountpoint}/a/big`) || !existsSync(`${from.mountpoint}/b`)) return
        renameSync(`${from.mountpoint}/b`, `${from.mountpoint}/away`)
      }, 1)
      const first = await copy.precopy(never)
      clearInterval(away)
      expect(first.problems).toEqual([])
      if (existsSync(`${from.mountpoint}/away`)) renameSync(`${from.mountpoint}/away`, `${from.mountpoint}/b`)
      await copy.finish(never)
      expectSame(from, to)
    }, 60_000)

    test('a target that is not empty is refused, and stays as it is', async () => {
      const [from, to] = [await fill(source, { a: 'a' }), await fill(target, { mine: 'mine' })]
      await using copy = await openCopy({ from, to })
      await expect(copy.precopy(never)).rejects.toMatchObject({ code: 'conflict' })
      await expect(copy.finish(never)).rejects.toMatchObject({ code: 'conflict' })
      expect(snapshotTree(to.mountpoint).map(({ name }) => name)).toEqual(['.', './mine'])
    }, 60_000)

    test.each(['host', 'helper'] as const)('by %s, what is interrupted in either pass is made whole by the next', async reader => {
      const [from, to] = [await fill(source, { a: 'x'.repeat(40_000_000), 'b/c': 'c' }), await newVolume(target)]
      await using copy = await openCopy({ from, to, reader })
      const interrupted = async (pass: (signal: AbortSignal) => Promise<unknown>): Promise<void> => {
        const abort = new AbortController()
        const started = pass(abort.signal)
        const watch = setInterval(() => {
          if (existsSync(`${to.mountpoint}/a`) && statSync(`${to.mountpoint}/a`).size > 0) abort.abort(new Error('stop'))
        }, 1)
        await expect(started.finally(() => clearInterval(watch))).rejects.toThrow('stop')
      }
      await interrupted(signal => copy.precopy(signal))
      await copy.precopy(never)
      expectSame(from, to)
      writeFileSync(`${from.mountpoint}/a`, 'y'.repeat(40_000_000))
      rmSync(`${from.mountpoint}/b`, { recursive: true })
      await interrupted(signal => copy.finish(signal))
      await copy.finish(never)
      expectSame(from, to)
    }, 60_000)

    test('what somebody else made of the target\'s directories is a conflict, and nothing outside is touched', async () => {
      const [from, to] = [await fill(source, { 'd/x': 'x', 'e/y': 'y' }), await newVolume(target)]
      const outside = await fill(target, { x: 'outside' })
      await using copy = await openCopy({ from, to })
      await copy.precopy(never)
      rmSync(`${to.mountpoint}/d`, { recursive: true })
      symlinkSync(outside.mountpoint, `${to.mountpoint}/d`)
      unlinkSync(`${from.mountpoint}/d/x`)
      writeFileSync(`${from.mountpoint}/d/new`, 'new')
      await expect(copy.finish(never)).rejects.toMatchObject({ code: 'conflict' })
      expect(readFileSync(`${outside.mountpoint}/x`, 'utf8')).toBe('outside')
      expect(existsSync(`${outside.mountpoint}/new`)).toBe(false)
    }, 60_000)

    test.each(['host', 'helper', 'api'] as const)('by %s, a single file comes under another name', async reader => {
      const [here, there] = [join(source.host.sharedDir, `here-${reader}`), join(target.host.sharedDir, `there-${reader}`)]
      mkdirSync(here)
      mkdirSync(there)
      writeFileSync(`${here}/conf`, 'one')
      const name = reader === 'api' ? 'conf' : 'other'
      sh(`chown 33:44 ${here}/conf; chmod 640 ${here}/conf${reader === 'api' ? '' : `; setfattr -n user.a -v b ${here}/conf`}`)
      await using copy = await openCopy({ from: { kind: 'file', path: `${here}/conf` }, to: { kind: 'file', path: `${there}/${name}` }, reader })
      for (let pass = 0; pass < 3; pass++) await copy.precopy(never)
      if (reader !== 'api') expect(readFileSync(`${there}/${name}`, 'utf8')).toBe('one')
      appendFileSync(`${here}/conf`, 'two')
      await copy.finish(never)
      expect(readFileSync(`${there}/${name}`, 'utf8')).toBe('onetwo')
      expect(statSync(`${there}/${name}`)).toMatchObject({ uid: 33, gid: 44, mode: 0o100640 })
      expect(await copy.compare({ content: true }, never)).toEqual(reader === 'api' ? [expect.stringContaining('nothing could be compared')] : [])
    }, 60_000)

    test('by the engine\'s archive endpoints everything is sent in the end, and what is lost is said', async () => {
      const [from, to] = [await fill(source, { 'd/x': 'x' }), await newVolume(target)]
      await using copy = await openCopy({ from, to, reader: 'api' })
      expect(await copy.precopy(never)).toMatchObject({ entries: 0, sentEntries: 0 })
      const report = await copy.finish(never)
      expect(report).toMatchObject({ entries: 3, sentEntries: 3, problems: [], reader: 'api', writer: 'api' })
      expect(report.losses.length).toBeGreaterThan(4)
      expect(readFileSync(`${to.mountpoint}/d/x`, 'utf8')).toBe('x')
    }, 60_000)

    test('every attribute that differs is found', async () => {
      const [from, to] = [await fill(source, { content: 'one', shrunk: 'xx', xattr: 'x', acl: 'x', linked: 'x' }), await newVolume(target)]
      await using copy = await openCopy({ from, to })
      sh(`cd ${from.mountpoint}; mknod dev c 1 3; ln -s content link; ln linked linked-2; setfattr -n user.a -v one xattr; touch -d 2020-01-01 * .`)
      await copy.precopy(never)
      expect(await copy.compare({ content: true }, never)).toEqual([])
      sh(`cd ${to.mountpoint}; printf two > content; setfattr -n user.a -v two xattr; setfacl -m u:33:r acl; rm dev link linked-2; mknod dev c 1 5; ln -s shrunk link; cp -p linked linked-2; touch -h -d 2020-01-01 * .`)
      truncateSync(`${to.mountpoint}/shrunk`, 1)
      const found = await copy.compare({ content: true }, never)
      expect(found.map(text => text.split(' ')[0])).toEqual(expect.arrayContaining(['"./content"', '"./xattr"', '"./acl"', '"./dev"', '"./link"', '"./linked-2"', '"./shrunk"']))
      expect(found.join('\n')).not.toContain('"."')
    }, 60_000)

    test('a volume\'s data is moved into another one of the same engine, with the root\'s attributes', async () => {
      const [from, to] = [await newVolume(target), await fill(target, { image: 'from the image' })]
      await makeOddTree(from.mountpoint, { sparseBytes: 1000 })
      const wanted = snapshotTree(from.mountpoint)
      const journal = temporaryJournal(run, target.near)
      await moveVolumeData({ run, engine: target.near, from, to, journal, signal: never })
      expect(diffSnapshots(wanted, snapshotTree(to.mountpoint))).toEqual([])
      expect(snapshotTree(from.mountpoint).map(({ name }) => name)).toEqual(['.'])
      for (const { name } of [from, to]) await target.near.volumes.remove(name)

      const elsewhere = await newVolume(target, { DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: 'size=10m' } })
      const other = await fill(target, { 'd/x': 'x' })
      await target.host.sh(`mkdir ${target.host.sharedDir}/bound`)
      const bound = await newVolume(target, { DriverOpts: { type: 'none', o: 'bind', device: `${target.host.sharedDir}/bound` } })
      await moveVolumeData({ run, engine: target.near, from: other, to: bound, journal, signal: never })
      expect(readFileSync(`${target.host.sharedDir}/bound/d/x`, 'utf8')).toBe('x')
      await target.near.volumes.remove(elsewhere.name)
    }, 60_000)
  })
}

function sh(script: string): void {
  execFileSync('sh', ['-c', `set -e; ${script}`])
}

async function openSide(engine: EngineName): Promise<Side> {
  const host = await startHost({ engine })
  const near = await connectEngine({ host: `unix://${host.socket}`, env: process.env })
  return { host, near, far: await connectEngine({ host: host.ssh.endpoint, env: { ...process.env, ...host.ssh.env } }) }
}

/** Resolves when what is written next has a time that shows it, whatever margins there are. */
async function expectUnsettledPast({ mountpoint }: Volume): Promise<void> {
  const since = statSync(mountpoint).ctimeMs
  while (Date.now() < since + 60) await new Promise(resolve => setImmediate(resolve))
}
